//! The page of a run in a real browser.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

mod driver;
mod pages;
mod serve;

use driver::Browser;
use fantoccini::Locator;
use serde_json::json;

#[tokio::test]
async fn a_violation_is_seen_filtered_and_linked() {
    let Some(browser) = Browser::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = pages::stale_read().page(&folder);
    browser.open(&page, "").await;
    assert_eq!(browser.text("header .verdict").await, "INVALID");
    assert_eq!(browser.text("#again").await, format!("schism check {}", folder.path().join("history.jsonl").display()));
    let words = browser.text("section.proof").await;
    for told in ["wrote 5 at n1", "read 4 at n3", "partition (isolate) from 0.500 s to 0.900 s", "because"] {
        assert!(words.to_lowercase().contains(told), "{told}: {words}");
    }
    // The picture shows the three operations, and above the fold.
    assert_eq!(browser.ask("document.querySelectorAll('section.proof svg .bar').length").await, json!(3));
    assert_eq!(
        browser.ask("document.querySelector('section.proof svg').getBoundingClientRect().top < 700").await,
        json!(true)
    );
    // The order that was tried stands on the bars and in words, up to where it stops.
    assert_eq!(browser.ask("document.querySelectorAll('section.proof svg .triedtip').length").await, json!(2));
    let order = browser.ask("[...document.querySelectorAll('ol.tried li')].map((one) => one.textContent)").await;
    let order: Vec<&str> = order.as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
    assert!(order.len() == 3 && order[0].contains("wrote 4") && order[1].contains("wrote 5"), "{order:?}");
    assert!(order[2].contains("read 4 at n3 cannot follow: cannot read 4 from register 5"), "{order:?}");
    // The cycle is a graph: each operation once, an arrow with a number and a reason for each step.
    assert_eq!(browser.ask("document.querySelectorAll('.graph svg .box').length").await, json!(2));
    assert_eq!(browser.ask("document.querySelectorAll('.graph svg path.step').length").await, json!(2));
    assert!(browser.text(".graph svg").await.contains("5 replaced 4"), "{}", browser.text(".graph svg").await);
    // A bar of the proof chooses its operation in the run.
    browser.client.find(Locator::Css("section.proof svg .bar.read")).await.unwrap().click().await.unwrap();
    browser.until("document.getElementById('details').textContent.includes('read → 4')").await;
    // The filter is kept in the address.
    let keys = browser.client.find(Locator::Css("#filter-key")).await.unwrap();
    keys.select_by_value("x").await.unwrap();
    browser.until("document.getElementById('shown').textContent.startsWith('3 of 43')").await;
    browser.until("location.hash.includes('key=x') && location.hash.includes('op=')").await;
    browser.is_quiet().await;
    let link = browser.ask("location.hash").await;
    browser.open(&page, link.as_str().unwrap()).await;
    browser.until("document.getElementById('details').textContent.includes('read → 4')").await;
    browser.until("document.getElementById('shown').textContent.startsWith('3 of 43')").await;
    // The keyboard goes from one operation to the one before.
    let timeline = browser.client.find(Locator::Css("#timeline")).await.unwrap();
    timeline.send_keys("p").await.unwrap();
    browser.until("document.getElementById('details').textContent.includes('write 5')").await;
    browser.is_quiet().await;
    browser.close().await;
}

#[tokio::test]
async fn a_hundred_thousand_operations_are_zoomed_and_moved() {
    let Some(browser) = Browser::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = pages::long(100_000).page(&folder);
    assert!(fs_err::metadata(&page).unwrap().len() < 20 << 20);
    browser.open(&page, "").await;
    let mut took = Vec::new();
    for (number, key) in
        ["+", "+", "+", "ArrowRight", "-", "ArrowLeft", "-", "-", "0"].iter().cycle().take(45).enumerate()
    {
        let frames = browser.ask("Number(document.getElementById('timeline').dataset.frames || 0)").await;
        let press = format!(
            "document.getElementById('timeline').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}' }})) !== null"
        );
        browser.ask(&press).await;
        browser.until(&format!("Number(document.getElementById('timeline').dataset.frames || 0) > {frames}")).await;
        if number > 0 {
            took.push(browser.ask("Number(document.getElementById('timeline').dataset.took)").await.as_f64().unwrap());
        }
    }
    took.sort_by(f64::total_cmp);
    #[expect(clippy::print_stderr, reason = "the figure is told, not asserted: it is this machine's")]
    {
        eprintln!(
            "a frame of 100,000 operations: {:.1} ms at the median, {:.1} ms at most",
            took[took.len() / 2],
            took[took.len() - 1]
        );
    }
    browser.is_quiet().await;
    browser.close().await;
}

#[tokio::test]
async fn hostile_values_are_shown_and_do_nothing() {
    let Some(browser) = Browser::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let attack = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u{202e}\u{1b}[31m";
    let mut made = pages::Made::new(attack);
    made.operation((1, attack), "write", attack, &json!(attack), [1_000, 2_000]);
    made.operation((1, attack), "write", attack, &json!("v".repeat(10 << 20)), [3_000, 4_000]);
    made.fault(1, &json!({ "targets": [attack], "cut": [attack], "shape": attack }), [4_100, 7_000]);
    made.operation((2, "n2"), "read", attack, &json!(attack), [5_000, 6_000]);
    let page = made.page(&folder);
    assert!(fs_err::metadata(&page).unwrap().len() < 1 << 20, "ten megabytes are not shown");
    browser.open(&page, "#op=0").await;
    browser.until("document.getElementById('details').textContent.includes('<script>window.hacked=1</script>')").await;
    assert_eq!(browser.ask("window.hacked === undefined").await, json!(true));
    assert_eq!(browser.ask("document.images.length").await, json!(0));
    // Three scripts of ours, one of which is the data.
    assert_eq!(browser.ask("document.scripts.length").await, json!(3));
    let shown = browser.ask("document.body.textContent").await;
    let shown = shown.as_str().unwrap();
    assert!(!shown.contains(['\u{202e}', '\u{1b}']) && shown.contains("⟨202E⟩␛[31m"));
    assert!(shown.contains("(cut: 10485760 bytes)"), "what is cut is said");
    browser.is_quiet().await;
    browser.close().await;
}
