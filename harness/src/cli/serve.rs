//! `schism serve`: the results folder in a browser, until Ctrl-C.

use std::net::SocketAddr;

use crate::cli::args::ServeArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::series;
use crate::cli::{output, resolve, signals};
use crate::exit::ExitCode;
use crate::serve;

pub(crate) fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let results = resolve::results(&args.out);
    if !results.is_dir() {
        let hint = "schism run, or --out with another folder";
        return Err(Problem::new("there is no such results folder", results.display().to_string(), hint).into());
    }
    series::diagnostics(false);
    let address = SocketAddr::new(args.bind, args.port);
    let failed = |what: std::io::Error| {
        let hint = "another --port, or --port 0 for a free one";
        Failure::harness(Problem::new(what.to_string(), address.to_string(), hint))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let mut interrupt = signals::install(signals::RUNNING).map_err(failed)?;
        let listener = serve::bind(address).await.map_err(failed)?;
        let here = listener.local_addr().map_err(failed)?;
        let code = output::emit(&format!("http://{here}/  {}\n", results.display()));
        if !here.ip().is_loopback() {
            output::tell("whoever reaches this address can read all runs");
        }
        let over = async move {
            // A sender that is gone will not interrupt.
            let _ = interrupt.wait_for(Option::is_some).await;
        };
        serve::serve(listener, &results, over).await.map_err(failed)?;
        Ok(code)
    })
}
