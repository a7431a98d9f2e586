//! A run without faults and judge, of a few operations of one client: whether a manifest and a client fit the system.

use std::sync::Arc;
use std::time::Duration;

use schism_workloads::{Next, Planned};
use tokio::time::Instant;

use super::error::HarnessError;
use super::live::Live;
use super::prepare::{Prepared, prepare};
use super::worker::ended;
use super::{ready, translate};
use crate::client::own::Tap;
use crate::client::{Client, Completion, Dialler};
use crate::folder::RunFolder;
use crate::network::Enclosure;
use crate::options::RunOptions;

/// How long the system may take to answer before the first operation.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Makes a dry run, and shows each exchange; how many operations were ok.
pub async fn dry_run(
    options: &RunOptions,
    count: u64,
    show: fn(&str),
    enclosure: Option<Enclosure>,
) -> Result<u64, HarnessError> {
    // One client, as long as it takes.
    let options = RunOptions { faults: Vec::new(), concurrency: 1, time: Duration::from_hours(1), ..options.clone() };
    let mut prepared = prepare(&options)?;
    let folder = RunFolder::create(&options, jiff::Timestamp::now())
        .map_err(|error| HarnessError::failed(error).at(options.out.display()))?;
    let in_folder = |error: HarnessError| HarnessError { folder: Some(folder.path.clone()), ..error };
    let live = Live::start(&options, &prepared, &folder, enclosure).await.map_err(in_folder)?;
    let tap: Tap = Arc::new(move |way: &str, line: &str| show(&format!("   {way} {line}")));
    let quiet = live.dialler(&prepared, None);
    let told = live.dialler(&prepared, Some(tap));
    let made = match (quiet, told) {
        (Ok(quiet), Ok(told)) => {
            ready::silent_nodes(&quiet, &prepared.nodes, READY_LIMIT).await;
            Ok(operations(&mut prepared, &*told, &options, count, show).await)
        }
        (Err(error), _) | (_, Err(error)) => Err(in_folder(HarnessError::failed(error))),
    };
    live.stop().await;
    made
}

async fn operations(
    prepared: &mut Prepared,
    dialler: &dyn Dialler,
    options: &RunOptions,
    count: u64,
    show: fn(&str),
) -> u64 {
    let Some(mut workload) = prepared.workload.take() else { return 0 };
    let (mut client, mut asked): (Option<Box<dyn Client>>, usize) = (None, 0);
    let (mut process, mut number, mut ok, mut now) = (0, 0, 0, Duration::ZERO);
    while number < count {
        // Nobody waits for an operation to be due: it is asked for as if it was.
        let Planned { invocation, contact, .. } = match workload.next(0, now) {
            Next::Operation(planned) => planned,
            Next::Wait { until } if until > now => {
                now = until;
                continue;
            }
            Next::Wait { .. } | Next::Done => break,
        };
        let Ok(request) = translate::request(&invocation) else { break };
        number += 1;
        let place = contact.place(asked, prepared.nodes.len());
        if place != asked {
            (client, asked) = (None, place);
        }
        let node = prepared.nodes[asked];
        let told = translate::invocation(&request);
        show(&format!("{number} {node} {} {} {}", told.f, told.key, told.value));
        let begun = Instant::now();
        let client_now = client.get_or_insert_with(|| dialler.client("c1", process, node));
        let completion = client_now.call(&request, options.op_timeout).await;
        show(&format!("   {} after {:.1} ms", in_words(&completion), begun.elapsed().as_secs_f64() * 1e3));
        workload.update(0, &ended(&invocation, &completion));
        match completion {
            Completion::Ok { .. } => ok += 1,
            Completion::Fail { .. } => {}
            Completion::Info { .. } => (client, process) = (None, process + 1),
        }
    }
    ok
}

fn in_words(completion: &Completion) -> String {
    match completion {
        Completion::Ok { value: Some(value), .. } => format!("ok {value}"),
        Completion::Ok { value: None, .. } => "ok".to_owned(),
        Completion::Fail { error } => format!("fail {error}"),
        Completion::Info { error } => format!("info {error}"),
    }
}
