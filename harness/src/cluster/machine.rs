//! What the machine is: its processors, its kernel, and how fast the file system of a run folder syncs. No host, user or
//! home names.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use fs_err as fs;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::machine::Machine;

pub use crate::cluster::strain::StrainGauge;

/// How many small writes are synced to learn how long one takes.
const SYNCS: usize = 11;
/// The most descriptors that we ask for: some systems say that there is no limit, and then refuse.
const DESCRIPTORS: u64 = 65_536;

/// Measures the machine and the file system of `folder`, which must exist; takes a few syncs.
pub fn measure(folder: &Path) -> io::Result<Machine> {
    Ok(Machine {
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mib: memory_mib(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
        filesystem: filesystem(&fs::canonicalize(folder)?),
        sync_us_p50: sync_us(folder)?,
    })
}

/// Raises the limit of open descriptors as far as it goes, and says where it is now.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = hard.min(DESCRIPTORS);
    if soft >= wanted {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    Ok(wanted)
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn memory_mib(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The type of the file system that holds a path, where the machine tells it.
fn filesystem(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    filesystem_of(&mounts, path).unwrap_or_else(|| "unknown".to_owned())
}

/// Of the mounts that a path lies in, the longest decides, and of equally long ones the last: it covers the others.
fn filesystem_of(mounts: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let (mount, kind) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?.replace("\\040", " ");
        if path.starts_with(&point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), kind.split(' ').next()?));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// The median time of a small append with `fdatasync`, in microseconds.
fn sync_us(folder: &Path) -> io::Result<u64> {
    let path = folder.join(".sync-latency");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let mut measured = || -> io::Result<Vec<u128>> {
        let mut times = Vec::new();
        for _ in 0..SYNCS {
            let start = Instant::now();
            file.write_all(&[0; 512])?;
            file.sync_data()?;
            times.push(start.elapsed().as_micros());
        }
        Ok(times)
    };
    let times = measured();
    fs::remove_file(&path)?;
    let mut times = times?;
    times.sort_unstable();
    Ok(u64::try_from(times[SYNCS / 2]).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /run/my\\040runs rw - tmpfs tmpfs rw
24 22 0:6 / /run rw - xfs /dev/sdb rw
25 22 0:7 / /run rw - btrfs /dev/sdc rw";
        let of = |path: &str| filesystem_of(mounts, Path::new(path)).unwrap();
        assert_eq!(
            [of("/home"), of("/run/my runs/a"), of("/run/b"), of("/runner")],
            ["ext4", "tmpfs", "btrfs", "ext4"]
        );
    }

    #[test]
    fn a_measurement_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let machine = measure(folder.path()).unwrap();
        assert!(machine.cores > 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn memory_is_read_in_mib() {
        assert_eq!(memory_mib("MemTotal:       16384 kB\nMemFree: 1 kB\n"), 16);
        assert_eq!(memory_mib("nonsense"), 0);
    }

    #[test]
    fn the_descriptor_limit_is_raised() {
        let limit = raise_descriptor_limit().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, limit);
    }
}
