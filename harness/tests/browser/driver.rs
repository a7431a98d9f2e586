//! A browser without a window, and pages of made-up histories in it.
//!
//! Where there is none, a test is skipped and says so; with `SCHISM_TEST_BROWSER=1` that is a failure.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};

/// The browser's flags: it is alone, and asks nobody for anything.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
];

/// A browser with its driver; both are gone when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    pub(crate) client: Client,
}

impl Browser {
    /// Starts one; none where there is none.
    pub(crate) async fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = match command.process_group(0).spawn() {
            Ok(driver) => driver,
            Err(error) => return skipped(&format!("chromedriver cannot be started: {error}")),
        };
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let port = line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>();
            port.ok()
        });
        let port = port.expect("chromedriver says its port");
        let chrome = json!({ "args": FLAGS });
        let capabilities: Map<String, Value> = Map::from_iter([
            ("goog:chromeOptions".to_owned(), chrome),
            ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ]);
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        match connected {
            Ok(client) => Some(Browser { driver, client }),
            Err(error) => {
                end(&mut driver);
                skipped(&format!("chromium cannot be started: {error}"))
            }
        }
    }

    /// Opens a page, with what stands behind its `#`, and waits until its scripts have drawn it.
    pub(crate) async fn open(&self, page: &Path, address: &str) {
        // Another address behind the # alone would not load the page again.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(&format!("file://{}{address}", page.display())).await.unwrap();
        self.client.wait().for_element(Locator::Css("html[data-ready=yes]")).await.unwrap();
    }

    /// What an expression is worth in the page.
    pub(crate) async fn ask(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression});"), Vec::new()).await.unwrap()
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        for _ in 0..600 {
            if self.ask(expression).await == json!(true) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("never true: {expression}");
    }

    /// The text of the first element that a selector finds.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// Sees that nothing went wrong on the page and that it asked nobody for anything.
    pub(crate) async fn is_quiet(&self) {
        assert_eq!(self.console().await, json!([]), "the console is empty");
        let asked = self.ask("performance.getEntriesByType('resource').map((entry) => entry.name)").await;
        assert_eq!(asked, json!([]), "no request leaves the page");
    }

    /// What the console says since it was asked last.
    pub(crate) async fn console(&self) -> Value {
        self.client.issue_cmd(BrowserLog).await.unwrap()
    }

    /// Closes the browser.
    pub(crate) async fn close(self) {
        let closed: Result<(), CmdError> = self.client.clone().close().await;
        closed.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(&mut self.driver);
    }
}

/// Ends a driver with the browser that it started, however a test ended.
fn end(driver: &mut Child) {
    let group = Pid::from_raw(i32::try_from(driver.id()).unwrap());
    let _ = killpg(group, Signal::SIGKILL);
    let _ = driver.wait();
}

fn skipped<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("SCHISM_TEST_BROWSER").is_none_or(|value| value != "1"), "{why}");
    #[expect(clippy::print_stderr, reason = "who runs the tests has to know what was not tested")]
    {
        eprintln!("skipped: {why}");
    }
    None
}

/// What the console of the page says.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
