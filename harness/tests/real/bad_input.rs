//! Bad input: one clear error, the right exit code, and nothing left running.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use serde_json::Value;

use crate::support::{Bench, json, recorded_in};

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    let table: [(&[&str], &str); 12] = [
        (&["run", "rafd"], "there is no system \"rafd\""),
        (&["run", "raft:read=log"], "raft has no parameter \"read\""),
        (&["run", "raft:reads=lgo"], "reads=lgo"),
        (&["run", "raft:bug=forget-votes"], "bug=forget-votes"),
        (&["run", "--faults", "partition,kil"], "\"kil\""),
        (&["run", "--fault", "kill:disk=wip"], "wip"),
        (&["run", "--nodes", "0"], "out of range"),
        (&["run", "nwr:n=3,w=4"], "w=4"),
        (&["run", "nwr:n=4", "--nodes", "3"], "n=4"),
        (&["run", "-w", "registers"], "there is no workload \"registers\""),
        (&["run", "--expect", "invlid"], "expected"),
        (&["run", "--time", "soon"], "not a time"),
    ];
    let bench = Bench::new();
    for (words, part) in table {
        let ended = bench.schism(words);
        ended.expect(64);
        let error = ended.one_error();
        assert!(error.lines().next().unwrap().contains(part), "{words:?}: {error}");
    }
    assert!(!bench.results().exists(), "a run was begun");
}

#[test]
fn an_unknown_name_gets_the_nearest_one() {
    let bench = Bench::new();
    for (words, near) in [
        (["run", "rafd"], "raft"),
        (["run", "raft:reads=lgo"], "reads=log"),
        (["run", "raft:raeds=log"], "reads"),
        (["run", "raft:bug=forget-votes"], "forget-vote"),
        (["run", "--faults=kil"], "kill"),
        (["run", "--workload=registr"], "register"),
        (["check", "--model=regster"], "register"),
    ] {
        let words = if words[0] == "check" { vec![words[0], words[1], "nothing"] } else { words.to_vec() };
        let ended = bench.schism(&words);
        ended.expect(64);
        assert!(ended.one_error().lines().nth(2).unwrap().contains(near), "{ended:?}");
    }
}

#[test]
fn a_history_that_cannot_be_read_is_refused_with_its_place() {
    let bench = Bench::new();
    let header = r#"{"schism":"history","format":1,"model":"register","initial":null}"#;
    let invoke = r#"{"index":0,"process":0,"type":"invoke","f":"write","key":"x","value":1}"#;
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("noise", b"\x7fELF\x02\x01\x01\0\0\0\xff\xfe".to_vec(), "noise"),
        ("middle", format!("{header}\n{invoke}\n!!!\n{invoke}\n").into_bytes(), "line 3"),
        ("twice", format!("{header}\n{invoke}\n{invoke}\n").into_bytes(), "line 3"),
        ("newer", header.replace("\"format\":1", "\"format\":99").into_bytes(), "99"),
        ("kind", format!("{header}\n{}\n", invoke.replace("invoke", "begin")).into_bytes(), "line 2"),
        ("model", header.replace("register", "stock").into_bytes(), "stock"),
    ];
    for (name, content, part) in cases {
        fs_err::write(bench.folder().join(name), content).unwrap();
        let ended = bench.schism(&["check", name]);
        assert_eq!(ended.code(), 64, "{name}: {ended:?}");
        assert!(ended.one_error().contains(part), "{name}: {ended:?}");
    }
    fs_err::create_dir(bench.folder().join("folder")).unwrap();
    for absent in ["nowhere", "folder", "7f3a"] {
        let ended = bench.schism(&["check", absent]);
        assert_eq!(ended.code(), 64, "{absent}: {ended:?}");
        assert!(ended.one_error().contains(absent), "{ended:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_the_machine_does_not_give_is_refused() {
    let bench = Bench::new();
    // Reading this is an input/output error, for root as well.
    let ended = bench.schism(&["check", "/proc/self/mem"]);
    ended.expect(64);
    assert!(ended.one_error().contains("/proc/self/mem"), "{ended:?}");
}

/// A loopback address that no run takes by itself.
fn address(last: u8) -> Ipv4Addr {
    let [.., id] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 255, id, last)
}

#[test]
fn an_address_that_another_run_has_is_refused() {
    let bench = Bench::new();
    let address = address(1).to_string();
    let first = bench.start(&["run", "--address", &address, "--time", "5m", "--nodes", "3", "-q"]);
    let history = bench.recorded(20);
    let second = bench.command(&["run", "--address", &address, "--nodes", "3", "-q", "--seed", "1"]).output().unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(4), "{told}");
    assert!(told.contains(&address) && told.lines().count() == 3, "{told}");
    // The other run has not noticed anything.
    let lines = fs_err::read_to_string(&history).unwrap().lines().count();
    recorded_in(&history, lines + 100);
    first.signal(nix::sys::signal::Signal::SIGINT);
    first.end().expect(130);
    bench.nothing_is_left();
}

#[test]
fn a_port_in_use_is_refused() {
    let bench = Bench::new();
    // Where the kernel gives out ports from an unusual range, ours are others, and one of these is free.
    for (last, port) in [(2, 20_000), (3, 20_001), (4, 20_003), (5, 20_007)] {
        let address = address(last);
        let _taken = TcpListener::bind(SocketAddr::from((address, port))).unwrap();
        let ended = bench.schism(&["run", "--address", &address.to_string(), "--nodes", "3", "-q", "--seed", "1"]);
        ended.expect(4);
        let error = ended.one_error();
        assert!(error.contains(&format!("{port}")) && error.contains(&address.to_string()), "{error}");
    }
}

#[test]
fn a_node_that_dies_at_start_is_a_failure_of_the_harness() {
    for program in ["/bin/false", "/bin/true", "/nonexistent/program"] {
        let bench = Bench::new();
        bench
            .schism(&["run", "nwr:n=3,w=2,r=2,writeback=on", "--time", "1s", "--faults", "none", "-q", "--seed", "1"])
            .expect(0);
        let path = bench.run().join("run.json");
        let mut run = json(&path);
        run["options"]["node_program"] = Value::from(program);
        fs_err::write(&path, run.to_string()).unwrap();
        let refused = bench.schism(&["replay", "latest"]);
        refused.expect(64);
        assert!(refused.one_error().contains(program), "{refused:?}");
        let ended = bench.schism(&["replay", "latest", "--trust", "-q"]);
        assert_eq!(ended.code(), 4, "{program}: {ended:?}");
        ended.one_error();
        assert!(["before it was ready", program].iter().any(|part| ended.stderr.contains(part)), "{ended:?}");
    }
}
