//! The addresses of a proxy network: which it takes, and what it says where it cannot have them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use schism::network::proxy::{NetworkError, ProxyNetwork, ProxyOptions};
use schism::network::{Link, Network};
use schism_nodes::NodeId;
use tokio::net::TcpListener;

use crate::ends::*;

/// A loopback address that no run would take, and no other test process has.
fn fixed(number: u8) -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 255, high, low ^ number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named() {
    let options = ProxyOptions { address: Some(fixed(1)), ..ProxyOptions::default() };
    let seeds = || Arc::new(|_: &Link| [7; 32]);
    let first = ProxyNetwork::start("test-first", &[N1, N2], seeds(), options.clone()).unwrap();
    assert_eq!(first.loopback(), Some(IpAddr::V4(fixed(1))));
    let error = ProxyNetwork::start("test-second", &[N1, N2], seeds(), options).unwrap_err();
    assert!(matches!(error, NetworkError::InUse { address, .. } if address == fixed(1)), "{error}");
    assert!(error.to_string().starts_with("port "), "{error}");

    // The same for the port of a node, which the run itself binds only later.
    let port = first.address(N2).port();
    let _squatter = TcpListener::bind((fixed(2), port)).await.unwrap();
    let options = ProxyOptions { address: Some(fixed(2)), ..ProxyOptions::default() };
    let error = ProxyNetwork::start("test-third", &[N1, N2], seeds(), options).unwrap_err();
    assert!(error.to_string().starts_with(&format!("port {port} of {} is in use", fixed(2))), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_the_same_time_have_addresses_of_their_own() {
    let networks: Vec<ProxyNetwork> = (0..8).map(|_| network()).collect();
    let addresses: BTreeSet<SocketAddr> = networks.iter().map(|network| network.address(N1)).collect();
    assert_eq!(addresses.len(), 8);
    let same: BTreeMap<NodeId, SocketAddr> = networks[0].peers(N1);
    assert_eq!(same.keys().copied().collect::<Vec<_>>(), [N2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn impossible_networks_are_refused() {
    let start = |nodes: &[NodeId]| {
        ProxyNetwork::start("test-impossible", nodes, Arc::new(|_| [7; 32]), ProxyOptions::default()).unwrap_err()
    };
    assert!(matches!(start(&[N1, N1]), NetworkError::Twice(N1)));
    assert!(matches!(start(&NodeId::universe(2000)), NetworkError::TooManyNodes { nodes: 2000, .. }));
}
