//! From lines on inbound connections to events: hellos, peers' messages, clients' requests. Everything here is hostile
//! until it is read.

use std::mem;
use std::rc::Rc;

use mio::Token;

use super::LINE_BYTES;
use super::connection::{Connection, Party, Received};
use super::envelope::{Incoming, Outgoing, PeerBody, Reply, Unreadable, read_peer_body, read_request};
use super::lines::{Line, LineReader};
use super::log;
use super::node_loop::{End, NodeLoop, Pending, Queued};
use crate::control::Up;
use crate::id::{ClientId, NodeId, RequestId};
use crate::note::Note;
use crate::protocol::{Event, Protocol};
use crate::request::{Outcome, Request};

/// When so many events wait to be stepped, nothing more is read: those who send wait in their sockets.
const QUEUE_EVENTS: usize = 4096;

impl<P: Protocol> NodeLoop<P> {
    /// Reads once from each connection that may have something.
    pub(super) fn read_connections(&mut self) -> Result<(), End> {
        for token in self.sockets.take_unread() {
            if self.queue.len() >= QUEUE_EVENTS {
                self.sockets.keep_unread(token);
                continue;
            }
            let Some(mut connection) = self.sockets.take(token) else { continue };
            let received = connection.receive(&mut self.buffer);
            let is_welcome = self.take_lines(token, &mut connection)?;
            if received == Received::End || !is_welcome {
                // What was refused gets its answer, if the socket takes it at once.
                connection.flush();
                self.closed(token, connection.party);
                continue;
            }
            match received {
                Received::More => self.sockets.keep_unread(token),
                Received::All | Received::End => connection.stale = false,
            }
            self.sockets.put_back(token, connection);
        }
        Ok(())
    }

    /// Takes the lines that came whole. Whether the connection may stay.
    fn take_lines(&mut self, token: Token, connection: &mut Connection) -> Result<bool, End> {
        let mut reader = mem::replace(&mut connection.reader, LineReader::new(0));
        while let Some(line) = reader.next_line() {
            match (&connection.party, line) {
                (Party::Stranger, Line::TooLong) => return Ok(false),
                (Party::Stranger, Line::Whole(line)) => {
                    if let Err(error) = connection.greeted(line, &self.hello, &self.boot.peers) {
                        log::tell(format_args!("a connection is refused: {error}"));
                        return Ok(false);
                    }
                    reader.set_limit(LINE_BYTES);
                    if let Party::Client(client) = &connection.party {
                        self.clients.insert(client.clone(), token);
                    }
                }
                (Party::Peer(from, name), line) => self.take_peer_line(*from, name, line, connection.stale)?,
                (Party::Client(client), line) => {
                    if let Err(unreadable) = self.take_request(token, client, line) {
                        let in_reply_to = unreadable.in_reply_to;
                        let outcome = &Outcome::Fail(unreadable.refusal);
                        let body = Reply { in_reply_to, kind: "", outcome };
                        let answer = Outgoing { src: &self.hello.from, dest: &client.0, cause: None, body };
                        connection.out.push(|bytes| serde_json::to_writer(bytes, &answer));
                    }
                }
            }
        }
        connection.reader = reader;
        Ok(true)
    }

    fn take_peer_line(&mut self, from: NodeId, name: &str, line: Line<'_>, stale: bool) -> Result<(), End> {
        match self.read_peer_line(name, line) {
            Ok((PeerBody::Message(message), cause)) => {
                self.queue.push_back(Queued { event: Event::Message { from, message }, cause });
            }
            Ok((PeerBody::Probe(probe), _)) => {
                if !stale && probe.from == from {
                    self.sockets.control.push(&Up::ProbeReceived { number: probe.number, from });
                }
            }
            Err(error) => self.write_note(&Note::new("malformed").with("from", name).with("error", error))?,
        }
        Ok(())
    }

    #[expect(clippy::type_complexity, reason = "what is said, and why it is said")]
    fn read_peer_line(&self, name: &str, line: Line<'_>) -> Result<(PeerBody<P::Message>, Option<Rc<str>>), String> {
        let incoming = self.read_envelope(name, line)?;
        let body = read_peer_body(incoming.body).map_err(|error| error.to_string())?;
        Ok((body, incoming.cause.as_deref().map(Rc::from)))
    }

    fn take_request(&mut self, token: Token, client: &ClientId, line: Line<'_>) -> Result<(), Unreadable> {
        let incoming = self.read_envelope(&client.0, line).map_err(Unreadable::nameless)?;
        let (serial, kind) = read_request(incoming.body, &self.served)?;
        self.sequence += 1;
        let id = RequestId { node: self.boot.node, incarnation: self.boot.incarnation, sequence: self.sequence };
        self.pending.insert(id.sequence, Pending { token, serial, kind: kind.name() });
        let cause = Some(Rc::from(format!("{client}#{serial}")));
        let event = Event::Request { id, client: client.clone(), request: Request { serial, kind } };
        self.queue.push_back(Queued { event, cause });
        Ok(())
    }

    /// An envelope that says the truth about who sends it, and is for us.
    fn read_envelope<'a>(&self, src: &str, line: Line<'a>) -> Result<Incoming<'a>, String> {
        let Line::Whole(line) = line else { return Err(format!("a line has more than {LINE_BYTES} bytes")) };
        let incoming: Incoming<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if incoming.src != src {
            return Err(format!("the envelope is from {:?}, and the connection from {src:?}", incoming.src));
        }
        if incoming.dest != self.hello.from.as_str() {
            return Err(format!("the envelope is for {:?}, and this is {}", incoming.dest, self.hello.from));
        }
        Ok(incoming)
    }

    /// A connection is gone, and with it the way to answer what was asked on it.
    fn closed(&mut self, token: Token, party: Party) {
        let Party::Client(client) = party else { return };
        self.pending.retain(|_, pending| pending.token != token);
        if self.clients.get(&client) == Some(&token) {
            self.clients.remove(&client);
            self.queue.push_back(Queued { event: Event::Disconnect { client }, cause: None });
        }
    }
}
