//! What passes between nodes, and what rules do to it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use schism::network::{Network as _, Rule};

use crate::support::{N1, N2, carried, in_network, links, tcp, udp};

#[test]
fn nodes_reach_each_other_through_the_switch() {
    in_network(|network| {
        let (one, two) = (udp(network, N1), udp(network, N2));
        one.send_to(b"ping", two.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        let (length, from) = two.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"ping"[..], one.local_addr().unwrap()));
        let bytes: Vec<u8> = (0..4_000_000_u32).map(|place| (place % 251) as u8).collect();
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
