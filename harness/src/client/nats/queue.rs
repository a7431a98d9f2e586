//! Queues of `JetStream`: a stream whose messages are kept until somebody has consumed them, and a consumer for each queue.
//!
//! To put something in is to publish it and to be acknowledged. To take something out is to pull one message, to acknowledge
//! it and to be told that the acknowledgement has arrived; only then it is `ok`. Before the acknowledgement is sent nothing has
//! happened: the message comes again. That there is nothing to be pulled does not say that a queue is empty, since a message
//! may be under way to somebody else. The stream keeps those too until they are acknowledged, so it is asked how many it has:
//! a null where it has none, a `fail` where it has some. Messages come again out of their order, so that such queues are
//! judged with `queue:order=any`.

use serde_json::{Value, json};

use super::{Ask, Completion, Nats, Reply, Wire, WireError, code, fail, info, read};

/// The stream that keeps the queues.
const STREAM: &str = "SCHISMQ";
/// After how long a message that nobody has acknowledged comes again, in nanoseconds.
const COMES_AGAIN_NS: u64 = 2_000_000_000;

impl Nats {
    /// Publishes into a queue.
    pub(super) async fn put_in(&mut self, wire: &mut Wire, key: &str, value: &Value) -> Result<Completion, WireError> {
        let ended = self.publish(wire, &subject_of(key), value, None).await?;
        if matches!(ended, Completion::Fail { .. }) {
            // Nobody had heard it, as there is no stream yet.
            wire.begin();
            self.create_queues(wire).await?;
        }
        Ok(ended)
    }

    /// Pulls a message and acknowledges it.
    pub(super) async fn take_out(&mut self, wire: &mut Wire, key: &str) -> Result<Completion, WireError> {
        // Nobody answers who asks a consumer that is not there.
        if !self.consumed.contains(key) {
            self.create_queues(wire).await?;
            if let Some(refused) = self.create_consumer(wire, key).await? {
                return Ok(refused);
            }
            self.consumed.insert(key.to_owned());
        }
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{key}");
        let body = json!({ "batch": 1, "no_wait": true }).to_string();
        let pulled = Ask { subject: &subject, headers: "", body: &body, has_effect: false };
        let (payload, place) = match self.exchange(wire, pulled).await? {
            Reply::Message(payload, place) => (payload, place),
            Reply::Nobody => return Ok(fail("nobody serves the queue")),
            Reply::Status(status) => return self.nothing(wire, key, status).await,
            Reply::Said(said) => return Ok(fail(&format!("nothing was consumed: {said}"))),
        };
        let value =
            serde_json::from_slice(&payload).map_err(|error| WireError::garbage(&error.to_string(), &payload))?;
        let acknowledged = Ask { subject: &place, headers: "", body: "+ACK", has_effect: true };
        Ok(match self.exchange(wire, acknowledged).await? {
            Reply::Said(said) if code(&said).is_none() => read(value),
            // The message stays, and comes again.
            Reply::Nobody => fail("nobody took the acknowledgement"),
            _ => info("the acknowledgement was answered by something else"),
        })
    }

    /// There was nothing to be pulled: whether the queue is empty.
    async fn nothing(&mut self, wire: &mut Wire, key: &str, status: u16) -> Result<Completion, WireError> {
        let subject = format!("$JS.API.STREAM.INFO.{STREAM}");
        let body = json!({ "subjects_filter": subject_of(key) }).to_string();
        let asked = Ask { subject: &subject, headers: "", body: &body, has_effect: false };
        let Reply::Said(said) = self.exchange(wire, asked).await? else {
            return Ok(fail("nobody tells whether the queue is empty"));
        };
        Ok(match in_queue(&said, key) {
            Some(0) => read(Value::Null),
            Some(count) => fail(&format!("nothing to be consumed now (status {status}), and {count} under way")),
            None => fail(&format!("it is not told whether the queue is empty: {said}")),
        })
    }

    /// Creates the stream of the queues. What comes of it, the next attempt finds out.
    async fn create_queues(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let subject = format!("$JS.API.STREAM.CREATE.{STREAM}");
        let body = json!({
            "name": STREAM, "subjects": [subject_of(">")], "num_replicas": self.replicas, "storage": "file",
            "retention": "workqueue", "discard": "new",
        });
        let asked = Ask { subject: &subject, headers: "", body: &body.to_string(), has_effect: false };
        self.exchange(wire, asked).await.map(drop)
    }

    /// Creates the consumer of a queue, unless there is one; a completion where that was refused.
    async fn create_consumer(&mut self, wire: &mut Wire, key: &str) -> Result<Option<Completion>, WireError> {
        let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{key}");
        let body = json!({ "stream_name": STREAM, "config": {
            "durable_name": key, "ack_policy": "explicit", "ack_wait": COMES_AGAIN_NS, "deliver_policy": "all",
            "filter_subject": subject_of(key), "max_deliver": -1, "replay_policy": "instant",
        }});
        let asked = Ask { subject: &subject, headers: "", body: &body.to_string(), has_effect: false };
        Ok(match self.exchange(wire, asked).await? {
            Reply::Said(said) if code(&said).is_none() => None,
            Reply::Said(said) => Some(fail(&format!("there is no consumer: {said}"))),
            _ => Some(fail("nobody creates a consumer")),
        })
    }
}

/// How many messages a stream has of a queue, by what it says of itself when asked for that queue's.
fn in_queue(said: &Value, key: &str) -> Option<u64> {
    let state = said.get("state").filter(|_| code(said).is_none())?;
    // Subjects without messages are not named, and without any there is no table of them.
    state.get("messages")?.as_u64()?;
    let count = state.get("subjects").and_then(|subjects| subjects.get(subject_of(key)));
    count.map_or(Some(0), Value::as_u64)
}

fn subject_of(key: &str) -> String {
    format!("schismq.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_empty_where_its_stream_says_so_and_not_where_it_says_nothing() {
        let told = |said: Value| in_queue(&said, "q1");
        assert_eq!(told(json!({ "state": { "messages": 0 } })), Some(0));
        assert_eq!(told(json!({ "state": { "messages": 7, "subjects": { "schismq.q1": 3 } } })), Some(3));
        assert_eq!(told(json!({ "state": { "messages": 7, "subjects": { "schismq.q2": 7 } } })), Some(0));
        assert_eq!(told(json!({ "error": { "code": 404 } })), None);
        assert_eq!(told(json!({ "state": {} })), None);
        assert_eq!(told(json!({ "state": { "messages": 1, "subjects": { "schismq.q1": "many" } } })), None);
    }
}
