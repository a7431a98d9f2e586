use proptest::prelude::*;

use super::*;

const SOURCE: [u8; 4] = [10, 76, 0, 1];
const DESTINATION: [u8; 4] = [10, 76, 0, 2];

/// An Ethernet frame with an IPv4 packet of a protocol, whose transport header has no checksum yet.
fn frame(protocol: u8, transport: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 10, 76, 0, 2, 2, 0, 10, 76, 0, 1, 8, 0];
    let length = u16::try_from(20 + transport.len() + payload.len()).unwrap().to_be_bytes();
    frame.extend([0x45, 0, length[0], length[1], 0, 7, 0x40, 0, 64, protocol, 0, 0]);
    frame.extend([SOURCE, DESTINATION].concat());
    frame.extend(transport);
    frame.extend(payload);
    frame
}

/// A TCP segment from byte 1000 on, with these flags.
fn tcp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let header = [0x1F, 0x90, 0x0F, 0xA0, 0, 0, 3, 232, 0, 0, 0, 1, 0x50, flags, 0, 64, 0, 0, 0, 0];
    frame(TCP, &header, payload)
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    frame(UDP, &[0x1F, 0x90, 0, 9, length[0], length[1], 0, 0], payload)
}

/// The virtio header of a long frame.
fn offload(segmentation: u8, segment_bytes: u16, checksum_offset: u16) -> Offload {
    let [size_0, size_1] = segment_bytes.to_ne_bytes();
    let [start_0, start_1] = 34_u16.to_ne_bytes();
    let [offset_0, offset_1] = checksum_offset.to_ne_bytes();
    Offload::read([NEEDS_CHECKSUM, segmentation, 0, 0, size_0, size_1, start_0, start_1, offset_0, offset_1])
}

/// Whether both checksums of a frame are those of its bytes, computed over pseudo-header and all.
fn is_sound(frame: &[u8]) -> bool {
    let (ip, transport) = frame[ETHERNET..].split_at(20);
    let pseudo = [&ip[12..20], &[0, ip[9]], &u16::try_from(transport.len()).unwrap().to_be_bytes()[..]].concat();
    let ones = |bytes: &[u8]| folded(sum(bytes)) == u16::MAX;
    let length = usize::from(get(ip, 2)) == ip.len() + transport.len();
    length && ones(ip) && folded(sum(&pseudo) + sum(transport)) == u16::MAX
}

#[test]
fn a_burst_is_cut_into_segments_with_places_flags_and_checksums_of_their_own() {
    let payload: Vec<u8> = (0..=250).cycle().take(3500).collect();
    let burst = tcp(0x80 | 0x10 | 0x09, &payload);
    let segments = on_the_wire(offload(SEGMENT_TCP | WITH_ECN, 1448, 16), &burst);
    let told: Vec<(u16, u32, u8, usize)> = segments
        .iter()
        .map(|segment| {
            let sequence = u32::from_be_bytes(*segment[38..].first_chunk().unwrap());
            (get(segment, 18), sequence, segment[47], segment.len() - 54)
        })
        .collect();
    assert_eq!(told, [(7, 1000, 0x90, 1448), (8, 2448, 0x10, 1448), (9, 3896, 0x19, 604)]);
    assert!(segments.iter().all(|segment| is_sound(segment)));
    let joined: Vec<u8> = segments.iter().flat_map(|segment| segment[54..].to_vec()).collect();
    assert_eq!(joined, payload);
}

#[test]
fn datagrams_that_travelled_together_are_told_apart() {
    let segments = on_the_wire(offload(SEGMENT_UDP, 1000, 6), &udp(&[7; 2500]));
    assert_eq!(segments.iter().map(|segment| get(segment, 38)).collect::<Vec<_>>(), [1008, 1008, 508]);
    assert!(segments.iter().all(|segment| is_sound(segment)));
    assert_eq!(udp_port(&segments[2]), Some(9));
}

#[test]
fn a_checksum_that_was_left_to_hardware_is_completed() {
    let mut single = tcp(0x18, b"hello");
    // The kernel leaves the sum of the pseudo-header in the field, and completes that of IP itself.
    let pseudo = folded(sum(&single[26..34]) + u64::from(TCP) + 25);
    put(&mut single, 50, pseudo);
    let checksum = !folded(sum(&single[14..34]));
    put(&mut single, 24, checksum);
    let completed = on_the_wire(offload(0, 0, 16), &single);
    assert_eq!(completed.len(), 1);
    assert!(is_sound(&completed[0]));
    assert_eq!(on_the_wire(Offload::default(), &single), [single], "nothing was left to hardware");
}

#[test]
fn addresses_and_ports_are_read_where_they_are() {
    let datagram = udp(b"x");
    assert_eq!(addresses(&datagram), Some((SOURCE.into(), DESTINATION.into())));
    assert_eq!((udp_port(&datagram), udp_port(&tcp(0, b""))), (Some(9), None));
    assert_eq!(receiver(&datagram), Some([2, 0, 10, 76, 0, 2]));
    let mut fragment = datagram;
    fragment[21] = 1;
    assert_eq!(udp_port(&fragment), None, "a later fragment has no header");
    let arp = [&[0xFF; 12][..], &[8, 6], &[0; 28]].concat();
    assert_eq!(addresses(&arp), None);
}

#[test]
fn a_flipped_bit_is_seen_by_a_checksum() {
    let burst = tcp(0x18, &[0; 300]);
    for draw in (0..3_000).step_by(7) {
        for mut segment in on_the_wire(offload(SEGMENT_TCP, 100, 16), &burst) {
            let before = segment.clone();
            flip(&mut segment, draw);
            assert_eq!(before.iter().zip(&segment).filter(|(a, b)| a != b).count(), 1);
            assert!(!is_sound(&segment), "bit {draw}");
        }
    }
}

proptest! {
    #[test]
    fn segments_are_sound_and_carry_all_bytes_in_order(
        payload in prop::collection::vec(any::<u8>(), 1..8000),
        size in 1_u16..3000,
        is_tcp: bool,
    ) {
        let (burst, offload, headers) = if is_tcp {
            (tcp(0x18, &payload), offload(SEGMENT_TCP, size, 16), 54)
        } else {
            (udp(&payload), offload(SEGMENT_UDP, size, 6), 42)
        };
        let segments = on_the_wire(offload, &burst);
        prop_assert!(segments.iter().all(|segment| is_sound(segment)));
        prop_assert!(segments.iter().all(|segment| segment.len() - headers <= usize::from(size)));
        let joined: Vec<u8> = segments.iter().flat_map(|segment| segment[headers..].to_vec()).collect();
        prop_assert_eq!(joined, payload);
    }

    #[test]
    fn whatever_comes_is_taken(header: [u8; 10], mut bytes in prop::collection::vec(any::<u8>(), 0..200), ip: bool) {
        if ip && bytes.len() > 24 {
            bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
            bytes[23] = TCP;
        }
        let (_, _, _) = (receiver(&bytes), addresses(&bytes), udp_port(&bytes));
        let on_wire = on_the_wire(Offload::read(header), &bytes);
        prop_assert!(!on_wire.is_empty(), "a frame does not vanish");
        flip(&mut bytes, 12345);
    }
}
