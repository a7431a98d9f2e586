//! Nothing survives the controller, however it ends. A controller in a process of its own is killed at many moments.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use schism::cluster::{Cluster, Disk, Processes};
use schism_nodes::NodeId;

use crate::support::{Direct, ONE_AT_A_TIME, PATIENCE, built_in, exists, options};

/// Names the folder of a controller that is to run in this process.
const FOLDER: &str = "SCHISM_TEST_CONTROLLER";

/// Not a test of its own: the body of the process that [`no_node_survives_its_controller`] kills. Without a folder, as when
/// all tests are run, there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn controller() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let options = options(folder, 5, built_in("raft", 5), Direct::new(5));
    let cluster = Processes::start(options).await.expect("it starts");
    // Whatever moment the signal meets: nodes that start, end, stand still and run.
    for turn in 0_u16.. {
        let node = NodeId(turn % 5 + 1);
        cluster.kill(node, Disk::Keep).await.expect("it runs");
        cluster.restart(node).await.expect("it is down");
        cluster.pause(node).await.expect("it runs");
        cluster.resume(node).await.expect("it is paused");
        // One of them is always paused: it cannot see that its control socket has ended.
        cluster.pause(node).await.expect("it runs");
        if turn > 0 {
            cluster.resume(NodeId((turn - 1) % 5 + 1)).await.expect("it is paused");
        }
    }
}

#[tokio::test]
async fn no_node_survives_its_controller() {
    let _one = ONE_AT_A_TIME.lock().await;
    // Milliseconds after the start of the controller, and after the start of the last node.
    let early = [3, 8, 15, 30].map(|moment_ms| (false, moment_ms));
    let late = [0, 1, 3, 10, 30, 90, 270, 800].map(|moment_ms| (true, moment_ms));
    for (all_nodes, moment_ms) in early.into_iter().chain(late) {
        let folder = tempfile::tempdir().unwrap();
        let mut controller = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "orphans::controller"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let at_work = async {
            while all_nodes && processes_in(folder.path()).len() < 5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, at_work).await.expect("the controller starts five nodes");
        tokio::time::sleep(Duration::from_millis(moment_ms)).await;
        assert!(controller.try_wait().unwrap().is_none(), "the controller ended by itself");
        controller.kill().unwrap();
        controller.wait().unwrap();
        let gone = async {
            // Processes that had been started but not written down yet are found by their folder.
            while !processes_in(folder.path()).is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let left = tokio::time::timeout(PATIENCE, gone).await;
        assert!(left.is_ok(), "killed after {moment_ms} ms: {:?} are left", processes_in(folder.path()));
    }
}

/// The processes that run in a folder or below it.
fn processes_in(folder: &Path) -> Vec<u64> {
    let folder = folder.canonicalize().expect("the folder is there");
    let processes = fs_err::read_dir("/proc").expect("Linux has it");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok());
    let runs_there =
        |pid: &u64| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
    numbers.filter(runs_there).filter(|pid| exists(*pid)).collect()
}
