//! Ethernet frames as the switch meets them: who sends to whom, and what the frames would have been on a wire.
//!
//! Between namespaces of one machine nobody computes checksums, and a burst of segments travels as one long frame: the sender
//! leaves both to hardware that is not there. A fault on a link works on what a wire would carry, so a frame is cut into its
//! segments and their checksums are completed first; otherwise a flipped bit would pass TCP unseen, and loss would count
//! bursts. Pure functions over bytes; a frame that is not what its header says is passed on as it is.

use std::net::Ipv4Addr;

use super::addresses::Mac;

/// The length of the virtio header before each frame.
pub(super) const VIRTIO: usize = 10;
/// The length of an Ethernet header.
const ETHERNET: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const TCP: u8 = 6;
const UDP: u8 = 17;
/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_TCPV4`.
const SEGMENT_TCP: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_UDP_L4`.
const SEGMENT_UDP: u8 = 5;
/// `VIRTIO_NET_HDR_GSO_ECN`, which comes with another one.
const WITH_ECN: u8 = 0x80;
/// TCP's flags that belong to the last segment alone.
const FIN_PSH: u8 = 0x09;
/// TCP's flag that belongs to the first segment alone.
const CWR: u8 = 0x80;

/// What the sender left to its hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offload {
    needs_checksum: bool,
    segmentation: u8,
    segment_bytes: usize,
    checksum_start: usize,
    checksum_offset: usize,
}

impl Offload {
    /// Reads the virtio header before a frame.
    pub(super) fn read(header: [u8; VIRTIO]) -> Self {
        let [flags, segmentation, _, _, size_0, size_1, start_0, start_1, offset_0, offset_1] = header;
        let number = |low, high| usize::from(u16::from_ne_bytes([low, high]));
        Offload {
            needs_checksum: flags & NEEDS_CHECKSUM != 0,
            segmentation: segmentation & !WITH_ECN,
            segment_bytes: number(size_0, size_1),
            checksum_start: number(start_0, start_1),
            checksum_offset: number(offset_0, offset_1),
        }
    }
}

/// For whom a frame is.
pub(super) fn receiver(frame: &[u8]) -> Option<Mac> {
    frame.first_chunk().copied()
}

/// Source and destination of the IP packet in a frame.
pub(super) fn addresses(frame: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let packet = Packet::of(frame)?;
    let address = |at: usize| packet.ip.get(at..at + 4)?.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes));
    Some((address(12)?, address(16)?))
}

/// The port that a UDP datagram in a frame is for.
pub(super) fn udp_port(frame: &[u8]) -> Option<u16> {
    let packet = Packet::of(frame)?;
    let port = packet.transport()?.get(2..4)?.first_chunk::<2>()?;
    (packet.protocol() == UDP).then(|| u16::from_be_bytes(*port))
}

/// The frames that a wire would carry.
pub(super) fn on_the_wire(offload: Offload, frame: &[u8]) -> Vec<Vec<u8>> {
    match segments(offload, frame) {
        Some(segments) => segments,
        None => vec![with_checksum(offload, frame)],
    }
}

/// Flips one bit behind the Ethernet header, the one that `draw` names.
pub(super) fn flip(frame: &mut [u8], draw: u64) {
    let Some(packet) = frame.get_mut(ETHERNET..).filter(|packet| !packet.is_empty()) else { return };
    let bit = usize::try_from(draw % (packet.len() as u64 * 8)).unwrap_or(0);
    packet[bit / 8] ^= 1 << (bit % 8);
}

/// The IPv4 packet in a frame, whole headers and all that they promise.
struct Packet<'a> {
    ip: &'a [u8],
    header: usize,
}

impl<'a> Packet<'a> {
    fn of(frame: &'a [u8]) -> Option<Self> {
        let (ethernet, rest) = frame.split_at_checked(ETHERNET)?;
        let header = usize::from(rest.first()? & 0x0F) * 4;
        let is_ip = ethernet[12..] == IPV4 && rest[0] >> 4 == 4 && header >= 20 && rest.len() >= header;
        is_ip.then_some(Packet { ip: rest, header })
    }

    fn protocol(&self) -> u8 {
        self.ip[9]
    }

    /// TCP or UDP, unless this is a later fragment, which has no such header.
    fn transport(&self) -> Option<&'a [u8]> {
        let offset = u16::from_be_bytes([self.ip[6] & 0x1F, self.ip[7]]);
        (offset == 0).then(|| &self.ip[self.header..])
    }
}

/// A long frame cut into the segments that it stands for; `None` if it stands for itself.
fn segments(offload: Offload, frame: &[u8]) -> Option<Vec<Vec<u8>>> {
    let packet = Packet::of(frame)?;
    let transport = packet.transport()?;
    let header = match (offload.segmentation, packet.protocol()) {
        (SEGMENT_TCP, TCP) => usize::from(transport.get(12)? >> 4) * 4,
        (SEGMENT_UDP, UDP) => 8,
        _ => return None,
    };
    let least = if packet.protocol() == TCP { 20 } else { 8 };
    let headers = ETHERNET + packet.header + header;
    if header < least || transport.len() <= header || offload.segment_bytes == 0 {
        return None;
    }
    let (headers, payload) = frame.split_at(headers);
    let count = payload.len().div_ceil(offload.segment_bytes);
    let cut = payload.chunks(offload.segment_bytes).enumerate();
    Some(cut.map(|(place, part)| segment(headers, packet.header, place, place + 1 == count, part, offload)).collect())
}

/// One segment: the headers of all, with its own place, length and checksums.
fn segment(headers: &[u8], ip_header: usize, place: usize, is_last: bool, part: &[u8], offload: Offload) -> Vec<u8> {
    let mut frame = [headers, part].concat();
    let (ip, transport) = frame[ETHERNET..].split_at_mut(ip_header);
    put(ip, 2, low_16(ip.len() + transport.len()));
    put(ip, 4, get(ip, 4).wrapping_add(low_16(place)));
    put(ip, 10, 0);
    put(ip, 10, !folded(sum(ip)));
    let checksum = if ip[9] == TCP {
        let first = u32::from_be_bytes([transport[4], transport[5], transport[6], transport[7]]);
        let ahead = u32::try_from(place * offload.segment_bytes).unwrap_or(0);
        transport[4..8].copy_from_slice(&first.wrapping_add(ahead).to_be_bytes());
        if !is_last {
            transport[13] &= !FIN_PSH;
        }
        if place > 0 {
            transport[13] &= !CWR;
        }
        16
    } else {
        put(transport, 4, low_16(transport.len()));
        6
    };
    put(transport, checksum, 0);
    let pseudo = sum(&ip[12..20]) + u64::from(ip[9]) + transport.len() as u64;
    put(transport, checksum, transmitted(!folded(pseudo + sum(transport)), ip[9]));
    frame
}

/// A frame whose transport checksum is written.
fn with_checksum(offload: Offload, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let protocol = Packet::of(&frame).map_or(0, |packet| packet.protocol());
    let place = offload.checksum_start + offload.checksum_offset;
    if offload.needs_checksum && place + 2 <= frame.len() && offload.checksum_start <= place {
        // The sum of the pseudo-header stands in the field already.
        let checksum = !folded(sum(&frame[offload.checksum_start..]));
        put(&mut frame, place, transmitted(checksum, protocol));
    }
    frame
}

/// In UDP a checksum of zero would say that there is none.
fn transmitted(checksum: u16, protocol: u8) -> u16 {
    if checksum == 0 && protocol == UDP { u16::MAX } else { checksum }
}

/// The sum of 16-bit words of RFC 1071, not folded yet.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>() + last
}

fn folded(mut sum: u64) -> u16 {
    while sum > u64::from(u16::MAX) {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    low_16(usize::try_from(sum).unwrap_or(0))
}

fn get(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// The low 16 bits, where a field of a header has no more.
fn low_16(value: usize) -> u16 {
    u16::try_from(value & 0xFFFF).expect("16 bits fit")
}

#[cfg(test)]
mod tests;
