//! `cargo bench -p schism --bench switch`: what the switch of a virtual network costs, beside loopback: the round trip of a
//! small request over TCP with both ends and the switch on one core, and how much one connection carries.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run ends")]

#[cfg(target_os = "linux")]
fn main() {
    // Test runners start this program as well, and expect it to be quick.
    if std::env::args().any(|argument| argument == "--bench") {
        linux::main();
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("a virtual network needs Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::io::{Read as _, Write as _};
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::sched::{CpuSet, sched_setaffinity};
    use nix::unistd::Pid;
    use schism::network::vnet::{VirtualNetwork, VirtualOptions};
    use schism::network::{Enclosure, Link, Network as _, Rule};
    use schism_nodes::NodeId;

    const ROUNDS: usize = 20_000;
    const MESSAGE: usize = 64;
    const CUTS: usize = 500;
    const BULK: Duration = Duration::from_secs(3);
    const FROM: NodeId = NodeId(1);
    const TO: NodeId = NodeId(2);

    pub(super) fn main() {
        println!("{:<28}{:>14}{:>14}", "", "loopback", "switch");
        // Threads inherit the core of whoever starts them.
        let [loopback, switch] =
            on_a_thread(Some(0), |network| [None, Some(network)].map(|way| round_trip(&mut pair(way))));
        for (name, of) in [("round trip p50", 2), ("round trip p99", 100)] {
            let quantile = |times: &[Duration]| times[times.len() - 1 - times.len() / of].as_secs_f64() * 1e6;
            println!("{name:<28}{:>11.1} us{:>11.1} us", quantile(&loopback), quantile(&switch));
        }
        let ([loopback, switch], cuts) = on_a_thread(None, |network| {
            let rates = [None, Some(network)].map(|way| throughput(&mut pair(way)));
            (rates, cuts_under_load(network))
        });
        println!("{:<28}{loopback:>7.1} Gbit/s{switch:>7.1} Gbit/s", "throughput");
        let [median, most] = [CUTS / 2, CUTS - 1].map(|place| cuts[place].as_secs_f64() * 1e6);
        println!("{:<28}{:>14}{median:>11.1} us, at most {most:.1} us", "a cut, under full load", "");
    }

    /// How long it takes until a cut is in force, while a connection carries all that it can; in order of length.
    fn cuts_under_load(network: &VirtualNetwork) -> Vec<Duration> {
        let mut busy = pair(Some(network));
        thread::scope(|scope| {
            let load = scope.spawn(|| throughput(&mut busy));
            let another_link = BTreeSet::from([Link { from: "n1".to_owned(), to: "n3".to_owned() }]);
            let mut times: Vec<Duration> = (0..CUTS)
                .map(|_| {
                    thread::sleep(BULK / u32::try_from(2 * CUTS).unwrap());
                    let start = Instant::now();
                    network.apply(1, &Rule::Cut, &another_link);
                    let time = start.elapsed();
                    network.lift(1, false);
                    time
                })
                .collect();
            load.join().unwrap();
            times.sort_unstable();
            times
        })
    }

    /// Does something with a network of two nodes, on a core where one is given.
    fn on_a_thread<T: Send>(core: Option<usize>, work: impl FnOnce(&VirtualNetwork) -> T + Send) -> T {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                if let Some(core) = core {
                    let mut cores = CpuSet::new();
                    cores.set(core).unwrap();
                    sched_setaffinity(Pid::from_raw(0), &cores).unwrap();
                }
                let enclosure = Enclosure::enter().expect("schism doctor says why");
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
                let _in_runtime = runtime.enter();
                let program = Some(env!("CARGO_BIN_EXE_schism").into());
                let options = VirtualOptions { stock_tcp: false, epoch: Instant::now(), program, capture: None };
                let nodes = NodeId::universe(2);
                work(&VirtualNetwork::start(enclosure, &nodes, Arc::new(|_| [0; 32]), options).unwrap())
            });
            worker.join().unwrap()
        })
    }

    /// A connection from one node to the other, or over loopback where there is no network.
    fn pair(network: Option<&VirtualNetwork>) -> (TcpStream, TcpStream) {
        let (listener, ours) = if let Some(network) = network {
            let address = SocketAddr::new(network.address(TO).ip(), 4000);
            let listener = network.within(TO, || TcpListener::bind(address)).unwrap();
            (listener, network.within(FROM, || TcpStream::connect(address)).unwrap())
        } else {
            let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).unwrap();
            let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (listener, ours)
        };
        let (theirs, _) = listener.accept().unwrap();
        ours.set_nodelay(true).unwrap();
        theirs.set_nodelay(true).unwrap();
        (ours, theirs)
    }

    /// The times of many round trips, in order of length.
    fn round_trip((ours, theirs): &mut (TcpStream, TcpStream)) -> Vec<Duration> {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut message = [0; MESSAGE];
                for _ in 0..ROUNDS {
                    theirs.read_exact(&mut message).unwrap();
                    theirs.write_all(&message).unwrap();
                }
            });
            let mut message = [0; MESSAGE];
            let mut times = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                let start = Instant::now();
                ours.write_all(&message).unwrap();
                ours.read_exact(&mut message).unwrap();
                times.push(start.elapsed());
            }
            times.sort_unstable();
            times
        })
    }

    /// Gigabits a second of one connection.
    fn throughput((ours, theirs): &mut (TcpStream, TcpStream)) -> f64 {
        thread::scope(|scope| {
            let sender = ours.try_clone().unwrap();
            scope.spawn(move || {
                let (mut sender, block) = (sender, vec![0; 1 << 17]);
                let start = Instant::now();
                while start.elapsed() < BULK {
                    sender.write_all(&block).unwrap();
                }
                sender.shutdown(std::net::Shutdown::Write).unwrap();
            });
            let (start, mut buffer, mut bytes) = (Instant::now(), vec![0; 1 << 17], 0_u64);
            loop {
                match theirs.read(&mut buffer).unwrap() {
                    0 => break,
                    read => bytes += read as u64,
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a few seconds' bytes")]
            let bits = bytes as f64 * 8.0;
            bits / start.elapsed().as_secs_f64() / 1e9
        })
    }
}
