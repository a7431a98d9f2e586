//! Lines of bounded length from a stream that is not trusted.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};

/// Reads lines of at most `limit` bytes; of a longer one the first `limit` bytes are kept and the rest is thrown away.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: R,
    limit: usize,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Lines of `source`.
    pub(crate) fn new(source: R, limit: usize) -> Self {
        Lines { source, limit, line: Vec::new() }
    }

    /// The next line without its end; none at the end of the stream. A last line without an end counts.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        self.line.clear();
        let mut began = false;
        loop {
            let available = self.source.fill_buf().await?;
            if available.is_empty() {
                return Ok(began.then_some(self.line.as_slice()));
            }
            began = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            let room = self.limit - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = end.map_or(piece.len(), |end| end + 1);
            self.source.consume(used);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }
}

impl<R: AsyncRead> Lines<BufReader<R>> {
    /// Whether another whole line has been read already.
    pub(crate) fn has_next(&self) -> bool {
        self.source.buffer().contains(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &str, limit: usize, buffer: usize) -> Vec<String> {
        let mut lines = Lines::new(tokio::io::BufReader::with_capacity(buffer, text.as_bytes()), limit);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push(String::from_utf8(line.to_vec()).unwrap());
        }
        read
    }

    #[tokio::test]
    async fn lines_are_bounded_and_a_cut_last_one_counts() {
        for buffer in [1, 3, 64] {
            assert_eq!(all("ab\n\ncdefgh\nij", 4, buffer).await, ["ab", "", "cdef", "ij"]);
            assert_eq!(all("ab\n", 4, buffer).await, ["ab"]);
            assert_eq!(all("", 4, buffer).await, [""; 0]);
        }
    }
}
