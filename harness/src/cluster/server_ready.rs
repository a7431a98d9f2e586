//! Whether somebody else's server has started: what its manifest says of that, asked again and again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::client::http1;
use crate::client::wire::Wire;
use crate::cluster::beside::{Beside, run_to_end};
use crate::cluster::life::{Life, lock};
use crate::system::manifest::Ready;
use crate::system::{Launch, Server};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(2);

/// Whether all that shows that a server has started is there.
pub(crate) async fn is_ready(life: &Life, launch: &Launch, server: &Server, folder: &Path) -> bool {
    for ready in &server.ready {
        let holds = match ready {
            Ready::Log { log } => life.server.as_ref().is_some_and(|life| lock(&life.heard).contains(log)),
            Ready::Tcp { tcp } => connects(&server.ports, tcp).await,
            Ready::Http { http, port, contains } => match server.ports.get(port) {
                Some(address) => get(*address, http).await.is_some_and(|body| body.contains(contains)),
                None => false,
            },
            Ready::Command { command } => succeeds(command, launch, folder).await,
        };
        if !holds {
            return false;
        }
    }
    true
}

async fn connects(ports: &BTreeMap<String, SocketAddr>, name: &str) -> bool {
    let Some(address) = ports.get(name) else { return false };
    matches!(timeout(QUESTION, Wire::connect(*address)).await, Ok(Ok(_)))
}

/// The body of the answer to a GET, if that is 200.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<String> {
    let asked = async {
        let mut wire = Wire::connect(address).await.ok()?;
        let headers = ["Connection: close".to_owned()];
        wire.send_harmless(&http1::request("GET", path, &address.to_string(), &headers, b"")).await.ok()?;
        let answer = http1::answer(&mut wire).await.ok()?;
        (answer.status == 200).then(|| String::from_utf8_lossy(&answer.body).into_owned())
    };
    timeout(QUESTION, asked).await.ok()?
}

async fn succeeds(command: &[String], launch: &Launch, folder: &Path) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    let launch = Launch { program: program.into(), arguments: arguments.to_vec(), ..launch.clone() };
    let ended = run_to_end(Beside { launch, folder: folder.to_owned() }, QUESTION).await;
    ended.is_ok_and(|(status, _)| status.success())
}
