//! What passes between nodes, and what rules do to it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use schism::network::{Network as _, Rule};

use crate::support::{N1, N2, bytes, carried, in_network, links, tcp, udp};

#[test]
fn nodes_reach_each_other_through_the_switch() {
    in_network(|network| {
        let (one, two) = (udp(network, N1), udp(network, N2));
        one.send_to(b"ping", two.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        let (length, from) = two.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"ping"[..], one.local_addr().unwrap()));
        let bytes = bytes(4_000_000);
        assert_eq!(carried(&mut tcp(network, N1, N2), &bytes).unwrap(), bytes);
        assert!(network.traffic().delivered > 0);
    });
}

#[test]
fn a_cut_is_one_way_and_in_force_when_it_returns() {
    in_network(|network| {
        let (one, two) = (udp(network, N1), udp(network, N2));
        let mut buffer = [0; 16];
        network.apply(1, &Rule::Cut, &links(&[("n1", "n2")]));
        one.send_to(b"lost", two.local_addr().unwrap()).unwrap();
        two.send_to(b"back", one.local_addr().unwrap()).unwrap();
        assert_eq!(one.recv_from(&mut buffer).unwrap().0, 4, "the other way is open");
        // What is cut has been cut by then: frames are forwarded in the order in which they were sent.
        network.lift(1, false);
        one.send_to(b"here", two.local_addr().unwrap()).unwrap();
        assert_eq!(two.recv_from(&mut buffer).unwrap().0, 4);
        assert_eq!(&buffer[..4], b"here");
        assert_eq!(network.touched(1), 1);
    });
}

#[test]
fn a_flipped_bit_passes_no_checksum_and_tcp_repairs_it() {
    in_network(|network| {
        network.apply(1, &Rule::Corrupt { share: 0.2 }, &links(&[("n1", "n2")]));
        let bytes = bytes(200_000);
        assert_eq!(carried(&mut tcp(network, N1, N2), &bytes).unwrap(), bytes);
        assert!(network.touched(1) > 20, "segments, not bursts: {}", network.touched(1));
    });
}

#[test]
fn loss_duplication_and_reordering_are_repaired_by_tcp() {
    in_network(|network| {
        let both = links(&[("n1", "n2"), ("n2", "n1")]);
        network.apply(1, &Rule::Lose { share: 0.05 }, &both);
        network.apply(2, &Rule::Duplicate { share: 0.2 }, &both);
        network.apply(3, &Rule::Reorder { share: 0.2, window: Duration::from_millis(2) }, &both);
        let bytes = bytes(300_000);
        assert_eq!(carried(&mut tcp(network, N1, N2), &bytes).unwrap(), bytes);
        let traffic = network.traffic();
        assert!(traffic.lost > 0 && traffic.duplicated > 0, "{traffic:?}");
        assert!((1..=3).all(|fault| network.touched(fault) > 0));
    });
}

#[test]
fn frames_are_held_and_released_in_order_and_the_rest_when_the_fault_ends() {
    in_network(|network| {
        let (one, two) = (udp(network, N1), udp(network, N2));
        let mut buffer = [0; 16];
        network.apply(1, &Rule::Hold { kind: None, count: Some(2) }, &links(&[("n1", "n2")]));
        for number in 1..=4_u8 {
            one.send_to(&[number], two.local_addr().unwrap()).unwrap();
        }
        let mut next = || {
            two.recv_from(&mut buffer).unwrap();
            buffer[0]
        };
        assert_eq!([next(), next()], [3, 4], "the first two are held");
        assert_eq!(network.release(1, Some(1), true), 1);
        assert_eq!(next(), 1);
        network.lift(1, true);
        assert_eq!(next(), 2);
    });
}

#[test]
fn a_delay_and_a_limit_take_their_time() {
    in_network(|network| {
        let (one, two) = (udp(network, N1), udp(network, N2));
        let mut buffer = [0; 1024];
        let mut passes = || {
            let start = std::time::Instant::now();
            one.send_to(&[0; 1000], two.local_addr().unwrap()).unwrap();
            two.recv_from(&mut buffer).unwrap();
            start.elapsed()
        };
        let path = links(&[("n1", "n2")]);
        network.apply(1, &Rule::Delay { base: Duration::from_millis(30), tail: Duration::ZERO, share: 1.0 }, &path);
        assert!(passes() >= Duration::from_millis(30), "no frame is early");
        network.lift(1, true);
        network.apply(2, &Rule::Limit { bits_per_second: 80_000 }, &path);
        assert!(passes() >= Duration::from_millis(100), "no frame is faster than its link");
    });
}

#[test]
fn probes_pass_open_links_and_no_cut_one() {
    in_network(|network| {
        let mut arrivals = network.arrivals().unwrap();
        network.apply(1, &Rule::Cut, &links(&[("n1", "n2"), ("n3", "n1")]));
        network.probe(7);
        let mut heard = std::collections::BTreeSet::new();
        while heard.len() < 4 {
            let arrival = tokio::runtime::Handle::current().block_on(arrivals.recv()).unwrap();
            assert_eq!(arrival.number, 7);
            heard.insert(format!("{}->{}", arrival.from, arrival.to));
        }
        assert_eq!(heard.into_iter().collect::<Vec<_>>(), ["n1->n3", "n2->n1", "n2->n3", "n3->n2"]);
        assert_eq!(network.touched(1), 0, "probes count for nothing");
    });
}

#[test]
fn a_worker_is_cut_off_alone() {
    in_network(|network| {
        let two = udp(network, N2);
        let worker = |name: &str| {
            let socket = std::net::UdpSocket::bind(SocketAddr::new(network.source(name).unwrap(), 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            socket
        };
        let (cut, other) = (worker("c1"), worker("c2"));
        network.apply(1, &Rule::Cut, &links(&[("c1", "n2"), ("n2", "c1")]));
        cut.send_to(b"c1", two.local_addr().unwrap()).unwrap();
        other.send_to(b"c2", two.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        let (length, from) = two.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"c2"[..], other.local_addr().unwrap()));
        two.send_to(b"back", other.local_addr().unwrap()).unwrap();
        assert_eq!(other.recv_from(&mut buffer).unwrap().0, 4);
        two.set_nonblocking(true).unwrap();
        assert_eq!(two.recv_from(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(network.is_cut(links(&[("c1", "n2")]).first().unwrap()));
    });
}
