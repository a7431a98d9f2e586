//! A replicated register on the simulated network of turmoil: hosts with sockets of their own in virtual time, messages that are
//! late or lost, and replicas that are cut off for a while. A seed that fails fails again.

use std::time::Duration;

use schism_checker::history::History;
use schism_checker::models::Register;
use schism_checker::recorder::{Read, Recorder, Write};
use schism_checker::verdict::Outcome;
use tokio::time::{sleep, timeout};
use turmoil::net::UdpSocket;

const REPLICAS: [&str; 3] = ["a", "b", "c"];
const CLIENTS: u64 = 3;
const OPERATIONS: u64 = 12;
const PORT: u16 = 700;
const PATIENCE: Duration = Duration::from_millis(300);

/// A value with the version that orders it: a counter, then the client that wrote it. Nothing has the version 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Versioned {
    counter: u64,
    client: u64,
    value: u64,
}

/// What goes over the network, both ways: the round of the client that asks, and what the sender holds.
fn encode(round: u64, Versioned { counter, client, value }: Versioned) -> Vec<u8> {
    [round, counter, client, value].iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn decode(bytes: &[u8; 32]) -> (u64, Versioned) {
    let number = |place: usize| u64::from_le_bytes(bytes[8 * place..][..8].try_into().unwrap());
    (number(0), Versioned { counter: number(1), client: number(2), value: number(3) })
}

/// Keeps the newest value that it was told, and answers with it.
async fn replica() -> turmoil::Result {
    let socket = UdpSocket::bind(("0.0.0.0", PORT)).await?;
    let (mut newest, mut bytes) = (Versioned::default(), [0; 32]);
    loop {
        let (_, from) = socket.recv_from(&mut bytes).await?;
        let (round, told) = decode(&bytes);
        newest = newest.max(told);
        socket.send_to(&encode(round, newest), from).await?;
    }
}

struct Client {
    number: u64,
    socket: UdpSocket,
    round: u64,
    /// So many replicas have to answer.
    quorum: usize,
}

impl Client {
    /// Tells all replicas what is known, and learns what so many of them hold then; none where they do not answer in time.
    async fn exchange(&mut self, known: Versioned) -> Option<Versioned> {
        self.round += 1;
        for replica in REPLICAS {
            self.socket.send_to(&encode(self.round, known), (replica, PORT)).await.ok()?;
        }
        let answers = async {
            let (mut newest, mut answers, mut bytes) = (known, 0, [0; 32]);
            while answers < self.quorum {
                self.socket.recv_from(&mut bytes).await.ok()?;
                let (round, held) = decode(&bytes);
                if round == self.round {
                    answers += 1;
                    newest = newest.max(held);
                }
            }
            Some(newest)
        };
        timeout(PATIENCE, answers).await.ok()?
    }

    async fn write(&mut self, value: u64) -> Option<()> {
        let Versioned { counter, .. } = self.exchange(Versioned::default()).await?;
        self.exchange(Versioned { counter: counter + 1, client: self.number, value }).await.map(drop)
    }

    /// What was read is told to a quorum before it is answered, so that nobody reads something older afterwards.
    async fn read(&mut self) -> Option<Option<u64>> {
        let newest = self.exchange(Versioned::default()).await?;
        self.exchange(newest).await?;
        Some((newest.counter > 0).then_some(newest.value))
    }
}

async fn client(number: u64, quorum: usize, recorder: Recorder) -> turmoil::Result {
    let socket = UdpSocket::bind(("0.0.0.0", PORT)).await?;
    let mut client = Client { number, socket, round: 0, quorum };
    for turn in 0..OPERATIONS {
        sleep(Duration::from_millis(20 * (number + turn) % 70)).await;
        // What is not answered in time is dropped, and so it ends unknown.
        if (number + turn).is_multiple_of(2) {
            let op = recorder.invoke(number, Write("x", 100 * number + turn));
            if client.write(100 * number + turn).await.is_some() {
                op.ok(());
            }
        } else {
            let op = recorder.invoke(number, Read("x"));
            if let Some(answer) = client.read().await {
                op.ok(answer);
            }
        }
    }
    Ok(())
}

/// Cuts one replica after the other off from all clients for a while.
async fn nemesis() -> turmoil::Result {
    for replica in REPLICAS {
        for number in 0..CLIENTS {
            turmoil::partition(replica, format!("client{number}"));
        }
        sleep(Duration::from_millis(400)).await;
        for number in 0..CLIENTS {
            turmoil::repair(replica, format!("client{number}"));
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What clients saw in the simulation of a seed.
fn simulated(seed: u64, quorum: usize) -> History {
    let recorder = Recorder::new();
    let mut builder = turmoil::Builder::new();
    builder.rng_seed(seed).max_message_latency(Duration::from_millis(50));
    let mut simulation = builder.build();
    for name in REPLICAS {
        simulation.host(name, replica);
    }
    for number in 0..CLIENTS {
        simulation.client(format!("client{number}"), client(number, quorum, recorder.clone()));
    }
    simulation.client("nemesis", nemesis());
    simulation.run().expect("all clients come to their end");
    recorder.history()
}

#[test]
fn majorities_make_a_register() {
    for seed in 0..10 {
        let history = simulated(seed, 2);
        history.check(&Register::new()).assert_valid();
        assert_eq!(history, simulated(seed, 2), "seed {seed} is repeated");
    }
}

/// Two clients may ask different replicas, so that one reads what the other has overwritten.
#[test]
fn single_replicas_do_not() {
    let invalid =
        (0..10).filter(|&seed| simulated(seed, 1).check(&Register::new()).outcome() == Some(Outcome::Invalid));
    assert!(invalid.count() > 5, "most seeds show it");
}
