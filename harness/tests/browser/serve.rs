//! The results folder in a real browser.

use std::path::Path;
use std::process::Command;

use fantoccini::Locator;
use serde_json::json;

use crate::driver::Browser;

/// A short run that breaks what it is judged by, as most of this system do.
fn run(results: &Path) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("schism"))
        .args(["run", "nwr:n=3,w=1,r=1", "--seed", "8", "--time", "2s", "--faults", "none", "-q", "--out"])
        .arg(results)
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
}

#[tokio::test]
async fn runs_are_browsed_down_to_their_reports() {
    let Some(browser) = Browser::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    run(&results);
    let listener = schism::serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { schism::serve::serve(listener, &results, std::future::pending()).await });

    browser.client.goto(&base).await.unwrap();
    assert_eq!(browser.text("h1").await, "1 run");
    let search = browser.client.find(Locator::Css("input[type=search]")).await.unwrap();
    search.send_keys("nwr register").await.unwrap();
    browser.client.find(Locator::Css("button")).await.unwrap().click().await.unwrap();
    browser.until("location.search.includes('q=nwr')").await;
    assert_eq!(browser.ask("document.querySelectorAll('tbody tr').length").await, json!(1));
    asks_nobody_else(&browser, &base).await;

    browser.client.find(Locator::Css("tbody a")).await.unwrap().click().await.unwrap();
    browser.until("location.pathname.startsWith('/run/')").await;
    assert!(browser.text("main").await.contains("history.jsonl"));
    asks_nobody_else(&browser, &base).await;

    // The trend of this test has one bar, which leads back.
    browser.client.find(Locator::LinkText("Trend of this test")).await.unwrap().click().await.unwrap();
    browser.until("location.pathname === '/trend' && document.querySelectorAll('svg.trend a').length === 1").await;
    assert!(browser.text("section h2").await.contains("nwr:n=3,r=1,w=1 under register, faults none"));
    asks_nobody_else(&browser, &base).await;
    browser.client.back().await.unwrap();
    browser.until("location.pathname.startsWith('/run/')").await;

    // The report draws itself, in a sandbox.
    browser.client.find(Locator::LinkText("Open the report")).await.unwrap().click().await.unwrap();
    browser.client.wait().for_element(Locator::Css("html[data-ready=yes]")).await.unwrap();
    assert_eq!(browser.ask("window.origin").await, json!("null"));
    browser.is_quiet().await;
    serving.abort();
    browser.close().await;
}

/// Sees that the page loaded nothing that is not this server's, and that its console is empty.
async fn asks_nobody_else(browser: &Browser, base: &str) {
    let asked = format!("performance.getEntriesByType('resource').every((entry) => entry.name.startsWith('{base}/'))");
    assert_eq!(browser.ask(&asked).await, json!(true));
    assert_eq!(browser.console().await, json!([]));
}
