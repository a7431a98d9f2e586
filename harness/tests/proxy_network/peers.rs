//! Who may connect to a proxy network, and what becomes of messages to those who are gone.

use schism::network::{Network, Rule};
use schism_nodes::wire::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ends::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_dead_incarnation_are_dropped() {
    let network = network();
    let (mut sender, receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Hold { kind: None, count: None }, &links(&["n1->n2"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "the message held", |traffic| traffic.sent == 2).await;
    network.started(N1, 2);
    assert_eq!((network.release(1, None, true), network.traffic().dropped), (0, 1));
    network.lift(1, true);
    sender.send_all("m", [2]).await;
    traffic(&network, "the dead node's late message", |traffic| traffic.dropped == 2).await;

    let hello =
        Hello { run: network.run().to_owned(), from: "n1".to_owned(), to: "n2".to_owned(), incarnation: Some(1) };
    assert_eq!(Sender::greet(network.peers(N1)[&N2], &hello).await.1, None);

    let mut reborn = Sender::connect(&network, N1, N2, 2).await;
    reborn.send_all("m", [3]).await;
    assert_eq!(inbox.next().await, None, "the old connection ends");
    let (mut inbox, hello) = receiver.accept().await;
    assert_eq!(hello.incarnation, Some(2));
    assert_eq!(inbox.next().await, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_connects_again_loses_nothing() {
    let network = network();
    let (mut first, _receiver, mut inbox) = connected(&network).await;
    let reading = tokio::spawn(async move { inbox.take(20_001).await });
    first.send_all("m", 1..=20_000).await;
    let mut second = Sender::connect(&network, N1, N2, 1).await;
    second.send_all("m", [20_001]).await;
    assert_eq!(patiently("all messages", reading).await.unwrap(), (1..=20_001).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused() {
    let network = network();
    let right =
        Hello { run: network.run().to_owned(), from: "n1".to_owned(), to: "n2".to_owned(), incarnation: Some(1) };
    let wrong = [
        Hello { run: "another".to_owned(), ..right.clone() },
        Hello { from: "n3".to_owned(), ..right.clone() },
        Hello { to: "n1".to_owned(), ..right.clone() },
        Hello { incarnation: None, ..right.clone() },
    ];
    for hello in wrong {
        assert_eq!(Sender::greet(network.peers(N1)[&N2], &hello).await.1, None, "{hello:?}");
    }
    let mut noise = TcpStream::connect(network.peers(N1)[&N2]).await.unwrap();
    noise.write_all(&[b'x'; 10_000]).await.unwrap();
    let end = patiently("the relay to refuse", noise.read(&mut [0])).await;
    assert!(end.is_err() || end.is_ok_and(|read| read == 0));
    assert!(Sender::greet(network.peers(N1)[&N2], &right).await.1.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_does_not_say_who_it_is_gets_nothing() {
    let network = network();
    let mut stranger = Receiver::listen(&network, N2);
    stranger.name = "n9".to_owned();
    let mut sender = Sender::connect(&network, N1, N2, 1).await;
    sender.send_all("m", [1]).await;
    let (stream, _) = patiently("the relay to dial", stranger.listener.accept()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let hello = Hello { run: network.run().to_owned(), from: "n9".to_owned(), to: "n1".to_owned(), incarnation: None };
    write.write_all((serde_json::to_string(&hello).unwrap() + "\n").as_bytes()).await.unwrap();
    let mut all = String::new();
    patiently("the relay to hang up", read.read_to_string(&mut all)).await.unwrap();
    assert_eq!(all.lines().count(), 1, "only the relay's hello: {all}");
    traffic(&network, "the message dropped", |traffic| traffic.dropped == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_to_a_node_that_is_down_are_dropped_until_it_is_back() {
    let network = network();
    let (mut sender, receiver, inbox) = connected(&network).await;
    drop((receiver, inbox));
    // What is written before the end of the connection is noticed is lost in it, as on any network.
    let mut number = 1;
    while network.traffic().dropped == 0 {
        sender.send_all("m", [number]).await;
        traffic(&network, "the message's fate", |traffic| traffic.delivered + traffic.dropped == number + 1).await;
        number += 1;
    }
    let receiver = Receiver::listen(&network, N2);
    let accepting = tokio::spawn(async move { receiver.accept().await.0.next().await });
    while !accepting.is_finished() {
        sender.send_all("m", [number]).await;
        traffic(&network, "the message taken", |traffic| traffic.sent == number + 1).await;
        number += 1;
        tokio::task::yield_now().await;
    }
    assert!(accepting.await.unwrap().is_some_and(|arrived| arrived < number));
}
