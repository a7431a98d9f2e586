//! How somebody else's servers are asked which of them leads: by a driver, a GET or a command.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::NodeId;
use tokio::time::timeout;

use super::AskLeader;
use crate::client::drivers::{Driver, Setup};
use crate::client::wire::Wire;
use crate::cluster::{self, Beside};

/// How long a node may take to say whether it leads.
const LEADER_LIMIT: Duration = Duration::from_millis(500);

/// By a driver that knows how.
pub(super) struct AskByDriver {
    pub(super) driver: &'static Driver,
    pub(super) setup: Setup,
}

#[async_trait]
impl AskLeader for AskByDriver {
    async fn leads(&self, node: NodeId) -> Option<u64> {
        let asked = async {
            let mut speaker = self.driver.speaker(&self.setup, node);
            let mut wire = Wire::connect(*self.setup.homes.get(&node)?).await.ok()?;
            speaker.leads(&mut wire).await.ok()?
        };
        timeout(LEADER_LIMIT, asked).await.ok()?
    }
}

/// By a GET whose answer contains a text at a leader.
pub(super) struct AskByHttp {
    pub(super) ports: BTreeMap<NodeId, SocketAddr>,
    pub(super) path: String,
    pub(super) contains: String,
}

#[async_trait]
impl AskLeader for AskByHttp {
    async fn leads(&self, node: NodeId) -> Option<u64> {
        let body = cluster::get(*self.ports.get(&node)?, &self.path).await?;
        body.contains(&self.contains).then_some(0)
    }
}

/// By a command that exits with 0 at a leader.
pub(super) struct AskByCommand {
    pub(super) commands: BTreeMap<NodeId, Beside>,
}

#[async_trait]
impl AskLeader for AskByCommand {
    async fn leads(&self, node: NodeId) -> Option<u64> {
        let ended = cluster::run_to_end(self.commands.get(&node)?.clone(), LEADER_LIMIT).await;
        ended.is_ok_and(|(status, _)| status.success()).then_some(0)
    }
}
