//! `ZooKeeper` by its own protocol (jute): a register is a znode, its value the znode's data.
//!
//! A read is answered by the server that is asked, however far behind that is; with `reads=sync` a sync goes before it, so
//! that the server catches up with the leader first.

use async_trait::async_trait;
use schism_nodes::RequestKind;
use serde_json::Value;

use super::Completion;
use super::attempt::{Speaker, done, fail, found_another, info, not_served, read};
use super::drivers::Setup;
use super::wire::{Wire, WireError};

const CREATE: i32 = 1;
const GET_DATA: i32 = 4;
const SET_DATA: i32 = 5;
const SYNC: i32 = 9;

const OK: i32 = 0;
const NO_NODE: i32 = -101;
const BAD_VERSION: i32 = -103;
const NODE_EXISTS: i32 = -110;

/// Any version of a znode.
const ANY_VERSION: i32 = -1;
/// All that one may do to a znode.
const ALL_PERMISSIONS: i32 = 31;
/// How long a session lives without a word, in milliseconds.
const SESSION_MS: i32 = 10_000;
/// Where the version of a znode stands in its stat.
const VERSION_OFFSET: usize = 32;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct ZooKeeper {
    syncs: bool,
    serial: i32,
}

/// An answer: its error code and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    error: i32,
    body: Vec<u8>,
}

/// Whether a request may have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Perhaps,
    None,
}

impl ZooKeeper {
    pub(crate) fn new(setup: &Setup) -> Self {
        ZooKeeper { syncs: setup.options.get("reads").is_none_or(|reads| reads == "sync"), serial: 0 }
    }

    async fn exchange(&mut self, wire: &mut Wire, kind: i32, body: &Jute, effect: Effect) -> Result<Reply, WireError> {
        self.serial += 1;
        let request = Jute::default().int(self.serial).int(kind).bytes(&body.0);
        match effect {
            Effect::Perhaps => wire.send(&request.framed()).await?,
            Effect::None => wire.send_harmless(&request.framed()).await?,
        }
        loop {
            let frame = frame(wire).await?;
            let garbage = || WireError::garbage("a short answer", &frame);
            let serial = int(&frame, 0).ok_or_else(garbage)?;
            // Events and answers to pings have negative numbers.
            if serial == self.serial {
                let error = int(&frame, 12).ok_or_else(garbage)?;
                return Ok(Reply { error, body: frame[16..].to_vec() });
            }
        }
    }

    /// The value and the version of a register; nothing where it was never written.
    async fn get(
        &mut self,
        wire: &mut Wire,
        path: &str,
        effect: Effect,
    ) -> Result<Result<Option<(Value, i32)>, i32>, WireError> {
        let reply = self.exchange(wire, GET_DATA, &Jute::default().text(path).flag(false), effect).await?;
        match reply.error {
            OK => {}
            NO_NODE => return Ok(Ok(None)),
            error => return Ok(Err(error)),
        }
        let garbage = || WireError::garbage("no data", &reply.body);
        let length = int(&reply.body, 0).and_then(|length| usize::try_from(length).ok()).ok_or_else(garbage)?;
        let data = reply.body.get(4..4 + length).ok_or_else(garbage)?;
        let version = int(&reply.body, 4 + length + VERSION_OFFSET).ok_or_else(garbage)?;
        let value = serde_json::from_slice(data).map_err(|error| WireError::garbage(&error.to_string(), data))?;
        Ok(Ok(Some((value, version))))
    }

    async fn set(&mut self, wire: &mut Wire, path: &str, value: &Value, version: i32) -> Result<i32, WireError> {
        let body = Jute::default().text(path).text(&value.to_string()).int(version);
        Ok(self.exchange(wire, SET_DATA, &body, Effect::Perhaps).await?.error)
    }

    async fn create(&mut self, wire: &mut Wire, path: &str, value: &Value) -> Result<i32, WireError> {
        let acl = Jute::default().int(1).int(ALL_PERMISSIONS).text("world").text("anyone");
        let body = Jute::default().text(path).text(&value.to_string()).bytes(&acl.0).int(0);
        Ok(self.exchange(wire, CREATE, &body, Effect::Perhaps).await?.error)
    }

    async fn read(&mut self, wire: &mut Wire, path: &str) -> Result<Completion, WireError> {
        if self.syncs {
            let reply = self.exchange(wire, SYNC, &Jute::default().text(path), Effect::Perhaps).await?;
            if ![OK, NO_NODE].contains(&reply.error) {
                return Ok(unknown(reply.error));
            }
        }
        Ok(match self.get(wire, path, Effect::Perhaps).await? {
            Ok(found) => read(found.map_or(Value::Null, |(value, _)| value)),
            Err(error) => unknown(error),
        })
    }

    async fn write(&mut self, wire: &mut Wire, path: &str, value: &Value) -> Result<Completion, WireError> {
        let error = self.set(wire, path, value, ANY_VERSION).await?;
        if error != NO_NODE {
            return Ok(if error == OK { done() } else { unknown(error) });
        }
        // Nothing was done: there is no such znode yet.
        wire.begin();
        Ok(match self.create(wire, path, value).await? {
            OK => done(),
            NODE_EXISTS => fail("somebody else has created it meanwhile"),
            error => unknown(error),
        })
    }

    async fn cas(&mut self, wire: &mut Wire, path: &str, from: &Value, to: &Value) -> Result<Completion, WireError> {
        let error = match self.get(wire, path, Effect::None).await? {
            Ok(Some((value, version))) if value == *from => self.set(wire, path, to, version).await?,
            Ok(None) if from.is_null() => self.create(wire, path, to).await?,
            Ok(_) => return Ok(found_another()),
            Err(error) => return Ok(fail(&format!("the value cannot be read: error {error}"))),
        };
        Ok(match error {
            OK => done(),
            BAD_VERSION | NODE_EXISTS | NO_NODE => found_another(),
            error => unknown(error),
        })
    }
}

#[async_trait]
impl Speaker for ZooKeeper {
    async fn greet(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        self.serial = 0;
        let hello = Jute::default().int(0).long(0).int(SESSION_MS).long(0).text_of(&[0; 16]).flag(false);
        wire.send_harmless(&hello.framed()).await?;
        let frame = frame(wire).await?;
        match int(&frame, 4) {
            Some(1..) => Ok(()),
            _ => Err(WireError::Refused("the server gives no session".to_owned())),
        }
    }

    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let path = format!("/{}", request.key());
        match request {
            RequestKind::Read { .. } | RequestKind::Peek { .. } => self.read(wire, &path).await,
            RequestKind::Write { value, .. } => self.write(wire, &path, value).await,
            RequestKind::Cas { from, to, .. } => self.cas(wire, &path, from, to).await,
            _ => Ok(not_served(request)),
        }
    }

    /// The epoch is the upper half of the last transaction's id.
    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        wire.send_harmless(b"srvr").await?;
        let said = wire.to_end().await?;
        let said = String::from_utf8_lossy(&said);
        let field = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let zxid = field("Zxid: 0x").and_then(|zxid| u64::from_str_radix(zxid, 16).ok()).unwrap_or(0);
        Ok((field("Mode:") == Some("leader")).then_some(zxid >> 32))
    }
}

fn unknown(error: i32) -> Completion {
    info(&format!("ZooKeeper says error {error}"))
}

async fn frame(wire: &mut Wire) -> Result<Vec<u8>, WireError> {
    let head = wire.exactly(4).await?;
    let length = int(&head, 0).and_then(|length| usize::try_from(length).ok());
    wire.exactly(length.ok_or_else(|| WireError::garbage("a negative length", &head))?).await
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

/// A record as it is written.
#[derive(Clone, Debug, Default)]
struct Jute(Vec<u8>);

impl Jute {
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn int(self, number: i32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn long(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn flag(self, flag: bool) -> Self {
        self.bytes(&[u8::from(flag)])
    }

    fn text(self, text: &str) -> Self {
        self.text_of(text.as_bytes())
    }

    fn text_of(self, bytes: &[u8]) -> Self {
        self.int(i32::try_from(bytes.len()).unwrap_or(i32::MAX)).bytes(bytes)
    }

    fn framed(&self) -> Vec<u8> {
        Jute::default().text_of(&self.0).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_lengths_and_big_endian_numbers() {
        let record = Jute::default().int(-1).text("ab").flag(true);
        assert_eq!(record.0, [255, 255, 255, 255, 0, 0, 0, 2, b'a', b'b', 1]);
        assert_eq!(record.framed()[..4], [0, 0, 0, 11]);
        assert_eq!(int(&record.0, 4), Some(2));
        assert_eq!(int(&record.0, 9), None);
        assert_eq!(unknown(-112), info("ZooKeeper says error -112"));
    }
}
