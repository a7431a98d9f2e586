//! The frames of the write-ahead log: `length u32 | crc32 u32 | bytes`, both numbers little endian.
//!
//! The checksum covers the length as well, so that no stretch of zeros is a good frame. Nothing here knows of files.

use std::ops::Range;

/// Bytes before a frame's payload.
pub const HEADER: usize = 8;

/// What a log's bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Good frames from the start to `end`, and behind it nothing, or a write that was torn.
    Sound {
        /// Where the payloads of the good frames lie.
        payloads: Vec<Range<usize>>,
        /// Where the last good frame ends.
        end: usize,
    },
    /// A bad frame at this offset has a good one behind it, at `next`: no torn write leaves that.
    Damaged {
        /// Where the bad frame begins.
        offset: usize,
        /// Where a good one begins again.
        next: usize,
    },
}

/// Appends a frame to `buffer`; `payload` writes its bytes.
pub fn append<E>(buffer: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEADER]);
    payload(buffer)?;
    let length = u32::try_from(buffer.len() - start - HEADER).expect("a record is shorter than 4 GiB");
    let checksum = checksum(length, &buffer[start + HEADER..]);
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    buffer[start + 4..start + HEADER].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Finds the frames in the bytes of a log.
pub fn scan(log: &[u8]) -> Scan {
    let mut payloads = Vec::new();
    let mut end = 0;
    while let Some(payload) = good_frame(log, end) {
        end = payload.end;
        payloads.push(payload);
    }
    match (end + 1..log.len()).find(|&offset| good_frame(log, offset).is_some()) {
        Some(next) => Scan::Damaged { offset: end, next },
        None => Scan::Sound { payloads, end },
    }
}

/// The payload of the frame at `offset`, if a good one begins there.
fn good_frame(log: &[u8], offset: usize) -> Option<Range<usize>> {
    let header = log.get(offset..)?.first_chunk::<HEADER>()?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    let payload = offset + HEADER..(offset + HEADER).checked_add(usize::try_from(length).ok()?)?;
    let bytes = log.get(payload.clone())?;
    (checksum(length, bytes) == u32::from_le_bytes([c0, c1, c2, c3])).then_some(payload)
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOADS: [&str; 4] = [r#"{"term":1}"#, r#""""#, r#"{"vote":"n2","term":300}"#, "17"];

    fn log() -> (Vec<u8>, Vec<usize>) {
        let mut log = Vec::new();
        let mut starts = Vec::new();
        for payload in PAYLOADS {
            starts.push(log.len());
            append(&mut log, |buffer| {
                buffer.extend_from_slice(payload.as_bytes());
                Ok::<_, ()>(())
            })
            .unwrap();
        }
        (log, starts)
    }

    fn texts(log: &[u8], payloads: &[Range<usize>]) -> Vec<String> {
        payloads.iter().map(|payload| String::from_utf8(log[payload.clone()].to_vec()).unwrap()).collect()
    }

    #[test]
    fn what_was_appended_is_found() {
        let (log, _) = log();
        let Scan::Sound { payloads, end } = scan(&log) else { panic!("damage in a whole log") };
        assert_eq!(texts(&log, &payloads), PAYLOADS);
        assert_eq!(end, log.len());
    }

    #[test]
    fn a_cut_at_any_byte_is_a_torn_write_and_leaves_the_frames_before_it() {
        let (log, starts) = log();
        for cut in 0..=log.len() {
            let whole = starts.iter().chain([&log.len()]).filter(|&&start| start > 0 && start <= cut).count();
            let Scan::Sound { payloads, end } = scan(&log[..cut]) else { panic!("damage after a cut at {cut}") };
            assert_eq!(texts(&log, &payloads), PAYLOADS[..whole], "cut at {cut}");
            assert_eq!(end, payloads.last().map_or(0, |payload| payload.end), "cut at {cut}");
        }
    }

    #[test]
    fn any_flipped_bit_is_damage_but_in_the_last_frame_where_it_is_a_torn_write() {
        let (log, starts) = log();
        for position in 0..log.len() {
            for bit in 0..8 {
                let mut flipped = log.clone();
                flipped[position] ^= 1 << bit;
                let frame = starts.iter().rposition(|&start| start <= position).unwrap();
                let expected = if frame + 1 == PAYLOADS.len() {
                    let Scan::Sound { mut payloads, .. } = scan(&log) else { unreachable!("checked above") };
                    payloads.pop();
                    Scan::Sound { payloads, end: starts[frame] }
                } else {
                    Scan::Damaged { offset: starts[frame], next: starts[frame + 1] }
                };
                assert_eq!(scan(&flipped), expected, "bit {bit} of byte {position}");
            }
        }
    }

    #[test]
    fn zeros_behind_the_log_are_a_torn_write() {
        let (log, _) = log();
        for zeros in [1, 7, 8, 9, 64, 4096] {
            let mut padded = log.clone();
            padded.resize(log.len() + zeros, 0);
            let Scan::Sound { payloads, end } = scan(&padded) else { panic!("{zeros} zeros are no damage") };
            assert_eq!((payloads.len(), end), (PAYLOADS.len(), log.len()), "{zeros} zeros");
        }
    }
}
