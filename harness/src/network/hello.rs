//! How both ends of a connection make sure who is at the other one, before anything else is said.
//!
//! Loopback ports are reused, and a dialler on a dead ephemeral port can even reach itself: so the run, both names and
//! the two addresses are checked.

use std::io;

use schism_nodes::wire::Hello;
use tokio::net::TcpStream;

/// The longest hello that is read, in bytes; longer ones come from somebody else.
const HELLO_BYTES_MAX: usize = 4096;

/// Why the other end of a connection is not who was meant.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The connection broke.
    #[error("the connection broke during the hello: {0}")]
    Broken(#[from] io::Error),
    /// It was closed: the other end refuses us, or died.
    #[error("the other end closed the connection instead of a hello")]
    Closed,
    /// What came is no hello.
    #[error("the other end sent no hello: {0}")]
    Unreadable(String),
    /// The connection leads back to its own socket.
    #[error("the connection leads to itself; nobody listens on that port")]
    Oneself,
    /// It belongs to another run.
    #[error("the other end belongs to run {theirs:?}, this is run {ours:?}")]
    Run {
        /// What it said.
        theirs: String,
        /// What was meant.
        ours: String,
    },
    /// It is somebody else, or means somebody else.
    #[error("the other end is {from:?} and means {to:?}; expected {expected_from:?} that means {expected_to:?}")]
    Name {
        /// Who it says it is.
        from: String,
        /// Whom it means.
        to: String,
        /// Who was meant.
        expected_from: String,
        /// Who we are.
        expected_to: String,
    },
    /// It is a life of the node that has ended.
    #[error("the other end is incarnation {theirs:?} of the node, which is at {ours}")]
    Incarnation {
        /// What it said.
        theirs: Option<u64>,
        /// The present one.
        ours: u64,
    },
}

/// Says who we are on a connection that we have made, and reads the answer. What was read beyond it is left in `buffer`.
pub async fn introduce(stream: &TcpStream, ours: &Hello, buffer: &mut Vec<u8>) -> Result<Hello, HelloError> {
    refuse_oneself(stream)?;
    say(stream, ours).await?;
    let theirs = listen(stream, buffer).await?;
    expect(&theirs, &ours.run, &ours.to, &ours.from)?;
    Ok(theirs)
}

/// Reads who is at the other end of a connection that we have accepted. What was read beyond it is left in `buffer`.
pub(crate) async fn listen(stream: &TcpStream, buffer: &mut Vec<u8>) -> Result<Hello, HelloError> {
    refuse_oneself(stream)?;
    loop {
        if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            return serde_json::from_slice(&line).map_err(|error| HelloError::Unreadable(error.to_string()));
        }
        if buffer.len() > HELLO_BYTES_MAX {
            return Err(HelloError::Unreadable(format!("no end of line in {HELLO_BYTES_MAX} bytes")));
        }
        stream.readable().await?;
        match stream.try_read_buf(buffer) {
            Ok(0) => return Err(HelloError::Closed),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Says who we are.
pub(crate) async fn say(stream: &TcpStream, ours: &Hello) -> Result<(), HelloError> {
    let mut line = serde_json::to_vec(ours).expect("a hello has nothing that JSON lacks");
    line.push(b'\n');
    let mut rest = &line[..];
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a hello comes from whom we mean, and means us.
pub(crate) fn expect(theirs: &Hello, run: &str, from: &str, to: &str) -> Result<(), HelloError> {
    if theirs.run != run {
        return Err(HelloError::Run { theirs: theirs.run.clone(), ours: run.to_owned() });
    }
    if theirs.from != from || theirs.to != to {
        return Err(HelloError::Name {
            from: theirs.from.clone(),
            to: theirs.to.clone(),
            expected_from: from.to_owned(),
            expected_to: to.to_owned(),
        });
    }
    Ok(())
}

fn refuse_oneself(stream: &TcpStream) -> Result<(), HelloError> {
    if stream.local_addr()? == stream.peer_addr()? { Err(HelloError::Oneself) } else { Ok(()) }
}
