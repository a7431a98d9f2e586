//! A socket for whole Ethernet frames of one link, with what the sender left to its hardware: a virtio header before each
//! frame says which checksum is not written yet, and into which segments a long frame is to be cut.
//!
//! The one file with unsafe code: no crate makes the address of a link in a safe way.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::libc::{self, sockaddr, sockaddr_ll};
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockType, SockaddrLike as _, bind, setsockopt, socket};
use nix::unistd::{read, write};
use nix::{setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// Whether each frame comes and goes with a virtio header.
    VirtioHeaders, SetOnly, libc::SOL_PACKET, libc::PACKET_VNET_HDR, bool);
sockopt_impl!(
    /// Whether frames that this machine sends are not read back.
    IgnoreOutgoing, SetOnly, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, bool);

/// See the module's head.
#[derive(Debug)]
pub(super) struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// On a link of the namespace that this thread is in. It belongs to that namespace, whoever uses it.
    pub(super) fn open(link: &str) -> io::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        // Without a protocol it gets nothing before it is bound to its link.
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        setsockopt(&socket, VirtioHeaders, &true)?;
        setsockopt(&socket, IgnoreOutgoing, &true)?;
        bind(socket.as_raw_fd(), &all_frames_of(if_nametoindex(link)?))?;
        Ok(PacketSocket(socket))
    }

    /// Reads a virtio header and a frame; `None` where there is none.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match read(&self.0, buffer) {
            Ok(length) => Ok(Some(length)),
            // A link that went down and came up says so once, and has nothing to be read either.
            Err(nix::Error::EAGAIN | nix::Error::ENETDOWN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a virtio header and a frame.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        Ok(write(&self.0, bytes).map(drop)?)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The address of all frames, of whatever protocol, on a link.
fn all_frames_of(link: u32) -> LinkAddr {
    let short = |constant: i32| u16::try_from(constant).expect("the kernel's fields are as long as its constants");
    let address = sockaddr_ll {
        sll_family: short(libc::AF_PACKET),
        sll_protocol: short(libc::ETH_P_ALL).to_be(),
        sll_ifindex: i32::try_from(link).unwrap_or(0),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = u32::try_from(size_of::<sockaddr_ll>()).expect("an address is short");
    #[expect(unsafe_code, reason = "no crate makes this address in a safe way")]
    // SAFETY: the pointer is to a whole `sockaddr_ll` on this stack frame, the length is its own, and its family says what it
    // is; the address is copied before this returns, and nothing keeps the pointer.
    let made = unsafe { LinkAddr::from_raw((&raw const address).cast::<sockaddr>(), Some(length)) };
    made.expect("family and length are those of a link's address")
}
