//! The proxy network with real sockets on loopback, between nodes that are played by the test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod ends;
mod peers;

use std::time::Duration;

use schism::network::proxy::ProxyOptions;
use schism::network::{Network, Passage, Rule, Traffic};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::ends::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_order_and_are_counted() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let text: String = (1..=5000).map(|number| message("m", number)).collect();
    let reading = tokio::spawn(async move { inbox.take(5000).await });
    for part in text.as_bytes().chunks(1777) {
        sender.write.write_all(part).await.unwrap();
    }
    assert_eq!(patiently("all messages", reading).await.unwrap(), (1..=5000).collect::<Vec<u64>>());
    let bytes = (text.len() + message("hi", 0).len()) as u64;
    traffic(&network, "all delivered", |traffic| {
        *traffic == Traffic { sent: 5001, delivered: 5001, bytes, ..Traffic::default() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_one_way_and_exact() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.started(N2, 1);
    let n1 = Receiver::listen(&network, N1);
    let mut back = Sender::connect(&network, N2, N1, 1).await;

    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    sender.send_all("m", 1..=10).await;
    traffic(&network, "ten messages cut", |traffic| traffic.cut == 10).await;
    back.send_all("m", [11]).await;
    assert_eq!(n1.accept().await.0.next().await, Some(11));
    network.lift(1, true);
    sender.send_all("m", [12]).await;
    assert_eq!(inbox.next().await, Some(12), "what was cut is gone");
    assert_eq!(network.touched(1), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_two_faults_cut_is_open_when_both_have_ended() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    network.apply(2, &Rule::Cut, &links(&["n1->n2", "n2->n1"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "cut by both", |traffic| traffic.cut == 1).await;
    network.lift(1, true);
    sender.send_all("m", [2]).await;
    traffic(&network, "cut by the other", |traffic| traffic.cut == 2).await;
    network.lift(2, true);
    sender.send_all("m", [3]).await;
    assert_eq!(inbox.next().await, Some(3));
    assert_eq!((network.touched(1), network.touched(2)), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_delayed_before_the_cut_is_cut_when_it_is_due() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let delay = Rule::Delay { base: Duration::from_secs(2), tail: Duration::ZERO, share: 1.0 };
    network.apply(1, &delay, &links(&["n1->n2"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "the message under way", |traffic| traffic.sent == 2).await;
    network.apply(2, &Rule::Cut, &links(&["n1->n2"]));
    assert_eq!(network.traffic().cut, 0, "it is judged when it is due");
    traffic(&network, "the message cut", |traffic| traffic.cut == 1).await;
    network.lift(1, true);
    network.lift(2, true);
    sender.send_all("m", [2]).await;
    assert_eq!(inbox.next().await, Some(2));
    assert_eq!((network.touched(1), network.touched(2)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_messages_arrive_by_themselves() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let rule = Rule::Reorder { share: 0.5, window: Duration::from_millis(50) };
    network.apply(1, &rule, &links(&["n1->n2"]));
    sender.send_all("m", 1..=200).await;
    let mut numbers = inbox.take(200).await;
    assert!(!numbers.is_sorted(), "none was overtaken");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_lost_dropped_and_duplicated() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let here = links(&["n1->n2"]);
    network.apply(1, &Rule::Lose { share: 1.0 }, &here);
    sender.send_all("m", 1..=3).await;
    traffic(&network, "three lost", |traffic| traffic.lost == 3).await;
    network.lift(1, true);

    network.apply(2, &Rule::Drop { kind: Some("vote".to_owned()), count: Some(1) }, &here);
    sender.send_all("append", [4]).await;
    sender.send_all("vote", 5..=6).await;
    assert_eq!(inbox.take(2).await, [4, 6]);
    network.lift(2, true);

    network.apply(3, &Rule::Duplicate { share: 1.0 }, &here);
    sender.send_all("m", 7..=8).await;
    assert_eq!(inbox.take(4).await, [7, 7, 8, 8]);
    traffic(&network, "all counted", |traffic| {
        let Traffic { sent, delivered, cut, lost, dropped, duplicated, .. } = *traffic;
        (sent, delivered, cut, lost, dropped, duplicated) == (9, 5, 0, 3, 1, 2)
    })
    .await;
    assert_eq!([1, 2, 3].map(|fault| network.touched(fault)), [3, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_messages_are_delivered_and_dropped_by_name() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Hold { kind: Some("append".to_owned()), count: Some(4) }, &links(&["n1->n2"]));
    sender.send_all("append", 1..=5).await;
    assert_eq!(inbox.next().await, Some(5), "the first four are held");
    assert_eq!(network.touched(1), 4);
    assert_eq!(network.release(1, Some(1), true), 1);
    assert_eq!(inbox.next().await, Some(1));
    assert_eq!(network.release(1, Some(1), false), 1);
    assert_eq!(network.release(1, None, true), 2);
    assert_eq!(inbox.take(2).await, [3, 4]);
    assert_eq!(network.release(1, None, true), 0);

    network.apply(2, &Rule::Hold { kind: None, count: None }, &links(&["n1->n2"]));
    sender.send_all("m", 6..=7).await;
    traffic(&network, "all taken", |traffic| traffic.sent == 8).await;
    network.lift(2, false);
    sender.send_all("m", [8]).await;
    assert_eq!(inbox.next().await, Some(8));
    assert_eq!(network.traffic().dropped, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_drops_what_is_newer() {
    let length = message("m", 10).len();
    let network = network_with(ProxyOptions { queue_bytes_max: 50 * length, ..ProxyOptions::default() });
    let receiver = Receiver::listen(&network, N2);
    let mut sender = Sender::connect(&network, N1, N2, 1).await;
    // Nobody accepts: as with a paused node, messages wait in the relay.
    sender.send_all("m", 10..=99).await;
    traffic(&network, "the queue full", |traffic| traffic.dropped == 40).await;
    let (mut inbox, _) = receiver.accept().await;
    assert_eq!(inbox.take(50).await, (10..=59).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_pass_and_are_no_traffic() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let before = network.traffic();
    sender.send_all("probe", [1]).await;
    assert_eq!(inbox.next().await, Some(1));
    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    sender.send_all("probe", [2]).await;
    sender.send_all("m", [3]).await;
    traffic(&network, "the message behind the probe cut", |traffic| traffic.cut == 1).await;
    let after = network.traffic();
    assert_eq!((after.sent, after.delivered), (before.sent + 1, before.delivered));
    assert_eq!(network.touched(1), 1);
    network.lift(1, true);
    sender.send_all("probe", [4]).await;
    assert_eq!(inbox.next().await, Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_ask_what_their_messages_meet() {
    let network = network();
    let there = link("c1->n2");
    assert_eq!(network.passage(&there), Passage::default());
    network.apply(1, &Rule::Cut, &links(&["c1->n2", "n1->n2"]));
    assert!(network.passage(&there).cut);
    assert!(!network.passage(&link("n2->c1")).cut);
    network.lift(1, true);
    assert_eq!(network.passage(&there), Passage::default());
    let delay = Duration::from_millis(20);
    network.apply(2, &Rule::Delay { base: delay, tail: Duration::ZERO, share: 1.0 }, &links(&["n2->c1"]));
    assert_eq!(network.passage(&link("n2->c1")), Passage { cut: false, delay });
    assert_eq!((network.touched(1), network.touched(2)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_a_line_for_each_message() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Drop { kind: Some("vote".to_owned()), count: None }, &links(&["n1->n2"]));
    sender.send_all("vote", [1]).await;
    sender.send_all("append", [2]).await;
    assert_eq!(inbox.next().await, Some(2));
    traffic(&network, "both counted", |traffic| traffic.delivered + traffic.dropped == 3).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.jsonl");
    network.write_log(&path).unwrap();
    let text = fs_err::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let header = json!({"schism": "messages", "format": 1, "run": network.run(), "messages": 3, "forgotten": 0});
    assert_eq!(lines[0], header);
    let fates: Vec<_> =
        lines[1..].iter().map(|line| [&line["link"], &line["type"], &line["cause"], &line["fate"]]).collect();
    let expected = [
        ["n1->n2", "hi", "c1.1#0", "delivered"],
        ["n1->n2", "vote", "c1.1#1", "dropped"],
        ["n1->n2", "append", "c1.1#2", "delivered"],
    ];
    assert_eq!(fates, expected);
    assert!(lines[1..].iter().all(|line| line["sent"].as_u64() <= line["ended"].as_u64()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_full_forgets_the_oldest_and_says_so() {
    let network = network_with(ProxyOptions { log_bytes_max: 1000, ..ProxyOptions::default() });
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    sender.send_all("m", 1..=99).await;
    inbox.take(99).await;
    traffic(&network, "all counted", |traffic| traffic.delivered == 100).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.jsonl");
    network.write_log(&path).unwrap();
    let text = fs_err::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [kept, forgotten] = ["messages", "forgotten"].map(|key| lines[0][key].as_u64().unwrap());
    assert_eq!((kept + forgotten, kept), (100, lines.len() as u64 - 1));
    assert!((1..50).contains(&kept), "{kept} kept");
    assert_eq!(lines.last().unwrap()["cause"], "c1.1#99");
}
