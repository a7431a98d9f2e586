//! The server asked over a real socket, as a browser and as somebody hostile would.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use super::*;
use crate::folder::{RunFolder, file};
use crate::report::sample;

/// A server over a results folder with a valid, an invalid, a damaged and a cut-off run.
struct Bench {
    folder: tempfile::TempDir,
    address: SocketAddr,
    over: Option<tokio::sync::oneshot::Sender<()>>,
    runtime: tokio::runtime::Runtime,
    runs: Vec<RunFolder>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("results");
        let runs: Vec<RunFolder> = (0..4).map(|_| created(&results)).collect();
        runs[0].write_json(file::VERDICT, &sample::valid()).unwrap();
        runs[1].write_json(file::VERDICT, &sample::invalid()).unwrap();
        runs[1].write(file::REPORT, b"<!doctype html><title>report</title>").unwrap();
        runs[2].write(file::VERDICT, b"{\"schism\":").unwrap();
        fs_err::write(folder.path().join("secret"), "outside").unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(bind("127.0.0.1:0".parse().unwrap())).unwrap();
        let address = listener.local_addr().unwrap();
        let (over, until) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            serve(listener, &results, async {
                let _ = until.await;
            })
            .await
        });
        Bench { folder, address, over: Some(over), runtime, runs }
    }

    fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    /// The whole answer to a request with exactly these lines.
    fn raw(&self, lines: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(lines.replace('\n', "\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.with(path, "")
    }

    fn with(&self, path: &str, headers: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\nHost: {}\nConnection: close\n{headers}\n", self.address))
    }

    fn path(&self, run: usize, file: &str) -> String {
        format!("/file/nwr-register-standard/{}/{file}", self.runs[run].id)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.over.take());
        // Connections have been closed by their answers.
        self.runtime.block_on(tokio::task::yield_now());
    }
}

fn created(results: &Path) -> RunFolder {
    let mut options = sample::options();
    options.out = results.to_owned();
    let folder = RunFolder::create(&options, "2026-08-24T02:17:00Z".parse().unwrap()).unwrap();
    let run = crate::folder::RunFile { id: folder.id.clone(), ..sample::run_file() };
    folder.write_json(file::RUN, &run).unwrap();
    folder
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn runs_are_listed_with_what_became_of_them() {
    let bench = Bench::new();
    let page = bench.get("/");
    assert_eq!(status(&page), "200");
    assert!(page.contains("4 runs"), "{page}");
    for state in ["good\">valid", "bad\">invalid", "bad\">damaged", "doubt\">cut off"] {
        assert!(page.contains(&format!("<td class=\"{state}<")), "{state} is missing: {page}");
    }
    let invalid = bench.get("/?outcome=invalid");
    assert!(invalid.contains("1 of them match") && !invalid.contains("bad\">damaged<"), "{invalid}");
    let run = bench.get(&format!("/run/nwr-register-standard/{}", bench.runs[1].id));
    assert!(run.contains("Open the report") && run.contains("Side by side with"), "{run}");
    let damaged = bench.get(&format!("/run/nwr-register-standard/{}", bench.runs[2].id));
    assert!(damaged.contains("This folder is damaged"), "{damaged}");
    assert!(bench.get("/trend").contains("4 runs: 1 cut off, 1 damaged, 1 invalid, 1 valid"));
}

#[test]
fn nothing_outside_of_the_results_folder_can_be_read() {
    let bench = Bench::new();
    let secret = bench.folder.path().join("secret");
    std::os::unix::fs::symlink(&secret, bench.runs[0].file("link")).unwrap();
    std::os::unix::fs::symlink(bench.folder.path(), bench.runs[0].file("out")).unwrap();
    for path in [
        bench.path(0, "link"),
        bench.path(0, "out/secret"),
        bench.path(0, "../../../secret"),
        bench.path(0, "..%2f..%2f..%2fsecret"),
        bench.path(0, "%2e%2e/%2e%2e/%2e%2e/secret"),
        bench.path(0, &format!("{}", secret.display())),
        bench.path(0, &format!("%2f{}", secret.display())),
        bench.path(0, "run.json%00"),
        "/file/../secret".to_owned(),
        "/run/../..".to_owned(),
        "/../secret".to_owned(),
    ] {
        let answer = bench.get(&path);
        assert!(["400", "404"].contains(&status(&answer)), "{path}: {answer}");
        assert!(!answer.contains("outside"), "{path}: {answer}");
    }
    assert_eq!(status(&bench.get("/")), "200", "it still serves");
}

#[test]
fn other_hosts_and_methods_are_refused() {
    let bench = Bench::new();
    for host in ["evil.example", "evil.example:80", "127.0.0.1"] {
        let answer = bench.raw(&format!("GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n"));
        assert_eq!(status(&answer), "403", "{host}: {answer}");
    }
    let post =
        bench.raw(&format!("POST / HTTP/1.1\nHost: {}\nContent-Length: 0\nConnection: close\n\n", bench.address));
    assert_eq!(status(&post), "405");
    assert_eq!(status(&bench.get("/")), "200", "it still serves");
}

#[test]
fn ranges_are_served_and_huge_ones_refused() {
    let bench = Bench::new();
    fs_err::write(bench.runs[0].file("log"), "0123456789").unwrap();
    let part = bench.with(&bench.path(0, "log"), "Range: bytes=2-4\n");
    assert_eq!(status(&part), "206");
    assert!(part.ends_with("\r\n\r\n234"), "{part}");
    for range in ["bytes=99999999999999999999-", "bytes=10-", "bytes=0-1,2-3", "bytes=a-b"] {
        let answer = bench.with(&bench.path(0, "log"), &format!("Range: {range}\n"));
        assert_eq!(status(&answer), "416", "{range}: {answer}");
    }
    let whole = bench.get(&bench.path(0, "log"));
    assert!(whole.ends_with("0123456789") && whole.contains("nosniff"), "{whole}");
}

#[test]
fn pages_run_nothing_of_a_run_but_its_report_in_a_sandbox() {
    let bench = Bench::new();
    let mut hostile = sample::run_file();
    hostile.options.system.name = "<script>alert(1)</script>".to_owned();
    bench.runs[0].write_json(file::RUN, &hostile).unwrap();
    let page = bench.get("/");
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'"), "{page}");
    let report = bench.get(&bench.path(1, "report.html"));
    assert!(report.contains("content-security-policy: sandbox allow-scripts; default-src 'none'"), "{report}");
    let data = bench.runs[1].path.join("nodes/n1/data");
    fs_err::create_dir_all(&data).unwrap();
    fs_err::write(data.join("report.html"), "<script>alert(1)</script>").unwrap();
    let text = bench.get(&bench.path(1, "nodes/n1/data/report.html"));
    assert!(text.contains("content-type: text/plain"), "{text}");
}

#[test]
fn the_moment_of_an_operation_is_told_and_no_link_is_followed_for_it() {
    let bench = Bench::new();
    let lines = [
        r#"{"index":7,"time":53139856,"process":3,"type":"invoke","f":"write","key":"x","value":"<b>5","node":"n2"}"#,
        r#"{"index":9,"time":53991204,"process":3,"type":"ok","f":"write","key":"x","value":"<b>5","node":"n2"}"#,
    ];
    fs_err::write(bench.runs[1].file(file::HISTORY), lines.join("\n") + "\n").unwrap();
    let around =
        |run: usize, op: &str| bench.get(&format!("/around/nwr-register-standard/{}?op={op}", bench.runs[run].id));
    let page = around(1, "9");
    assert!(page.contains("process 3 write") && page.contains("&lt;b&gt;5") && !page.contains("<b>"), "{page}");
    assert!(around(1, "8").contains("no operation has an event 8"));
    for strange in ["", "-1", "99999999999999999999", "%3Cb%3E"] {
        let page = around(1, strange);
        assert!(status(&page) == "200" && page.contains("is no index") && !page.contains("<b>"), "{strange}: {page}");
    }
    assert!(around(3, "9").contains("no verdict yet"));
    let secret = bench.folder.path().join("secret");
    fs_err::create_dir_all(bench.runs[1].path.join("nodes/n2")).unwrap();
    std::os::unix::fs::symlink(&secret, bench.runs[1].path.join("nodes/n2/log")).unwrap();
    let page = around(1, "9");
    assert!(page.contains("has symbolic links") && !page.contains("outside"), "{page}");
    assert_eq!(status(&bench.get("/around/nwr-register-standard/none?op=9")), "404");
}

#[test]
fn a_run_that_goes_on_shows_how_far_it_is() {
    let bench = Bench::new();
    let line = r#"{"index":41,"time":3500000000,"process":1,"type":"ok","f":"read","value":1}"#;
    fs_err::write(bench.runs[3].file(file::HISTORY), format!("{line}\n{{\"index\":42,\"ti")).unwrap();
    let page = bench.get(&format!("/run/nwr-register-standard/{}", bench.runs[3].id));
    assert!(page.contains("42 events in 3.500 s so far, of 10.000 s under load"), "{page}");
    assert!(page.contains("<progress max=\"10000000000\" value=\"3500000000\">"), "{page}");
    assert!(page.contains("http-equiv=\"refresh\""), "{page}");
    assert!(bench.results().is_dir());
}
