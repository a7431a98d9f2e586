//! A capture of every frame that came to the switch, as pcapng: an interface for each node, and times as in the history.
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>

use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use fs_err::File;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
/// `LINKTYPE_ETHERNET`.
const ETHERNET: u16 = 1;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
/// Ten to the minus so many seconds.
const NANOSECONDS: u8 = 9;

/// An open capture. After a failed write nothing more is written, and that is told once.
pub(super) struct Capture {
    file: Option<BufWriter<File>>,
    /// Time 0, in nanoseconds since 1970.
    start_ns: u64,
}

impl Capture {
    /// A new file with an interface for each name, in order.
    pub(super) fn create(path: &Path, start_ns: u64, interfaces: &[String]) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create_new(path)?);
        file.write_all(&section())?;
        for name in interfaces {
            file.write_all(&interface(name))?;
        }
        Ok(Capture { file: Some(file), start_ns })
    }

    /// A frame that came in by an interface at a time.
    pub(super) fn frame(&mut self, interface: usize, time: Duration, frame: &[u8]) {
        let at = self.start_ns.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(&packet(interface, at, frame)) {
            tracing::warn!("the capture of the network ends here: {error}");
            self.file = None;
        }
    }
}

fn section() -> Vec<u8> {
    let mut body = BYTE_ORDER.to_ne_bytes().to_vec();
    // Version 1.0, of a length that is not told.
    body.extend([1_u16, 0].map(u16::to_ne_bytes).concat());
    body.extend((-1_i64).to_ne_bytes());
    block(SECTION, &body)
}

fn interface(name: &str) -> Vec<u8> {
    let mut body = [ETHERNET, 0].map(u16::to_ne_bytes).concat();
    // Frames are kept whole.
    body.extend(0_u32.to_ne_bytes());
    body.extend(option(NAME, name.as_bytes()));
    body.extend(option(RESOLUTION, &[NANOSECONDS]));
    body.extend(option(0, &[]));
    block(INTERFACE, &body)
}

fn packet(interface: usize, at_ns: u64, frame: &[u8]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes();
    let (high, low) = ((at_ns >> 32) as u32, (at_ns & 0xFFFF_FFFF) as u32);
    let mut body = number(interface).to_vec();
    body.extend([high.to_ne_bytes(), low.to_ne_bytes(), number(frame.len()), number(frame.len())].concat());
    body.extend(padded(frame));
    block(PACKET, &body)
}

/// A block: its type, its length, its body, its length again.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(12 + body.len()).unwrap_or(u32::MAX).to_ne_bytes();
    [&kind.to_ne_bytes()[..], &length, body, &length].concat()
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&code.to_ne_bytes()[..], &length.to_ne_bytes(), &padded(value)].concat()
}

/// To the next multiple of four bytes.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of a file, each with its type and its body.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let word = |at: usize| u32::from_ne_bytes(*bytes[at..].first_chunk().unwrap());
            let length = word(4) as usize;
            assert_eq!(word(length - 4) as usize, length, "the length stands at both ends");
            assert_eq!(length % 4, 0);
            blocks.push((word(0), bytes[8..length - 4].to_vec()));
            bytes = &bytes[length..];
        }
        blocks
    }

    #[test]
    fn a_capture_has_an_interface_for_each_node_and_times_of_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.pcapng");
        let names = ["controller".to_owned(), "n1".to_owned()];
        let mut capture = Capture::create(&path, 1_700_000_000_000_000_000, &names).unwrap();
        capture.frame(1, Duration::from_nanos(5), b"frame");
        drop(capture);
        let blocks = blocks(&fs_err::read(path).unwrap());
        assert_eq!(blocks.iter().map(|block| block.0).collect::<Vec<_>>(), [SECTION, INTERFACE, INTERFACE, PACKET]);
        assert!(blocks[2].1.windows(2).any(|pair| pair == b"n1"));
        let word = |at: usize| u32::from_ne_bytes(*blocks[3].1[at..].first_chunk().unwrap());
        let time = u64::from(word(4)) << 32 | u64::from(word(8));
        assert_eq!((word(0), time, word(12)), (1, 1_700_000_000_000_000_005, 5));
        assert_eq!(&blocks[3].1[20..25], b"frame");
    }
}
