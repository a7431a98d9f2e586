//! Hostile and damaged input: an error or a history, never a panic.

use proptest::prelude::*;
use schism_checker::formats::{ReadError, read_bytes};
use schism_checker::note;

const SEEDS: [&str; 4] = [
    "{\"schism\":\"history\",\"format\":1}\n{\"index\":0,\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":[1.5,\"\\u00e9\"]}\n",
    "[{:process 0, :type :invoke, :f :cas, :value [#{1 2} \"\\u0041\" \\c #inst \"x\"], :error nil} ; c\n #_ 1]",
    "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:info\t:read\t:timed-out\n",
    "{\"node\":\"n1\",\"incarnation\":2,\"seq\":17,\"time\":123,\"note\":\"leader\",\"fields\":{\"epoch\":3}}\n",
];

/// The hostile inputs by name, each with whether it is read all the same.
fn hostile() -> Vec<(&'static str, Vec<u8>, bool)> {
    let event = |value: &str| format!("{{\"process\":0,\"type\":\"ok\",\"f\":\"r\",\"value\":{value}}}\n").into_bytes();
    let edn = |value: &str| format!("{{:process 0 :type :ok :f :r :value {value}}}").into_bytes();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(1_000_000), close.repeat(1_000_000));
    vec![
        ("nothing", vec![], true),
        ("a header alone", b"{\"schism\":\"history\",\"format\":1}\n".to_vec(), true),
        ("a mark of UTF-8 alone", b"\xef\xbb\xbf".to_vec(), true),
        ("NUL bytes", vec![0; 4096], false),
        ("NUL bytes in a line", event("\"\0\""), false),
        ("NUL bytes after a line", [event("1"), vec![0; 100]].concat(), false),
        ("NUL bytes in EDN", edn("\0\0"), false),
        ("NUL bytes in a log", b"0\t:ok\t:r\t\0\n".to_vec(), false),
        ("no UTF-8 in JSON", [&b"{\"process\":\"\xff\""[..], b"}\n"].concat(), false),
        ("no UTF-8 in an EDN string", b"{:process 0 :type :ok :f :r :value \"\xff\"}".to_vec(), false),
        ("no UTF-8 in an EDN keyword", b"{:process 0 :type :ok :f :\xff}".to_vec(), false),
        ("no UTF-8 in a log", b"0\t:ok\t:\xff\t1\n".to_vec(), false),
        ("half a surrogate pair", edn("\"\\ud83d\""), false),
        ("a huge process in JSON", b"{\"process\":99999999999999999999,\"type\":\"ok\",\"f\":\"r\"}\n".to_vec(), false),
        ("a huge process in EDN", b"[{:process 99999999999999999999 :type :ok :f :r}".to_vec(), true),
        ("a huge number in JSON", event(&"9".repeat(100_000)), false),
        ("a huge number in EDN", edn(&"9".repeat(100_000)), true),
        ("a huge exponent in JSON", event("1e999999999"), false),
        ("a huge exponent in EDN", edn("1e999999999"), true),
        (
            "the last index",
            b"{\"index\":18446744073709551615,\"process\":0,\"type\":\"ok\",\"f\":\"r\"}\n".repeat(2),
            true,
        ),
        ("deep JSON", event(&deep("[", "]")), false),
        ("deep JSON objects", event(&format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000))), false),
        ("deep EDN vectors", edn(&deep("[", "]")), false),
        ("deep EDN lists", deep("(", ")").into_bytes(), false),
        ("deep EDN maps", edn(&format!("{}1{}", "{:a ".repeat(100_000), "}".repeat(100_000))), false),
        ("deep EDN sets", edn(&deep("#{", "}")), false),
        ("many EDN tags", edn(&format!("{}1", "#a ".repeat(1_000_000))), false),
        ("many EDN tags before an event", format!("{}{{:a 1}}", "#a ".repeat(1_000_000)).into_bytes(), false),
        ("many EDN discards", "#_".repeat(1_000_000).into_bytes(), false),
        ("many EDN discards in a row", format!("{}[]", "#_ 1 ".repeat(1_000_000)).into_bytes(), true),
        ("a backslash at the end", b"[{:value \\".to_vec(), true),
        ("a hash at the end", b"[{:value #".to_vec(), true),
    ]
}

#[test]
fn hostile_input_is_an_error_or_a_history() {
    for (name, bytes, is_read) in hostile() {
        match read_bytes(&bytes, "h") {
            Ok(history) => {
                assert!(is_read, "{name} was read: {} events", history.events.len());
                // Whatever it is, the next step does not panic either.
                let _ = history.operations();
            }
            Err(error) => {
                assert!(!is_read, "{name}: {error}");
                let error = error.to_string();
                assert!(error.len() < 300, "{name}: an error of {} bytes", error.len());
            }
        }
    }
}

#[test]
fn a_folder_and_a_missing_file_are_errors_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("no-such-file")] {
        let error = schism_checker::formats::read_path(&path).unwrap_err();
        assert!(matches!(error, ReadError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_bytes(&bytes, "h");
        let _ = note::read(&bytes[..], "h");
    }

    #[test]
    fn mutated_files_do_not_panic(seed in 0..SEEDS.len(), at: prop::sample::Index, bytes in proptest::collection::vec(any::<u8>(), 0..4), cut: prop::sample::Index) {
        let mut text = SEEDS[seed].as_bytes().to_vec();
        let begin = at.index(text.len());
        let end = text.len().min(begin + 2);
        text.splice(begin..end, bytes);
        let _ = note::read(&text[..], "h");
        if let Ok(history) = read_bytes(&text, "h") {
            let _ = history.operations();
        }
        let _ = read_bytes(&text[..cut.index(text.len() + 1)], "h");
    }
}
