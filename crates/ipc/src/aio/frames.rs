use std::io;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use zeroize::{Zeroize, Zeroizing};

use crate::frame::{self, FrameError, HEADER, WipedBuf};

/// First size of a read buffer; it grows up to one frame, never past it.
const READ: usize = 16 * 1024;

/// Octets to gather before they are written; a frame may go past it.
const BATCH: usize = 64 * 1024;

/// Why no frame could be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The peer closed, between frames or within one.
    Eof,
    Io(io::Error),
    Frame(FrameError),
}

/// Reads frames; several may come with one read.
pub(super) struct FrameReader<R> {
    inner: R,
    /// All of it is initialised; `start..end` is unread.
    buf: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            buf: Zeroizing::new(vec![0; READ]),
            start: 0,
            end: 0,
        }
    }

    /// The JSON of the next frame, decoded by `decode`; its octets are wiped afterwards. Cancel safe.
    pub(super) async fn next<T>(&mut self, decode: impl FnOnce(&[u8]) -> T) -> Result<T, ReadError> {
        loop {
            let unread = self.buf.get(self.start..self.end).unwrap_or_default();
            let wanted = match unread.first_chunk::<HEADER>() {
                None => HEADER,
                Some(header) => {
                    let length = frame::decode_header(*header).map_err(ReadError::Frame)?;
                    HEADER + length
                }
            };
            if wanted > HEADER && unread.len() >= wanted {
                let from = self.start + HEADER;
                let until = self.start + wanted;
                self.start = until;
                let json = self.buf.get_mut(from..until).unwrap_or_default();
                let message = decode(json);
                json.zeroize();
                return Ok(message);
            }
            self.more(wanted).await?;
        }
    }

    /// Reads at least one octet more, after making room for `wanted` unread ones.
    async fn more(&mut self, wanted: usize) -> Result<(), ReadError> {
        let unread = self.end - self.start;
        if self.start > 0 && (unread == 0 || self.buf.len() - self.start < wanted) {
            self.buf.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, unread);
        }
        if self.buf.len() < wanted {
            // A new allocation instead of a growing one: the old one is wiped when it is replaced.
            let mut larger = Zeroizing::new(vec![0; wanted.max(READ)]);
            if let (Some(to), Some(from)) = (larger.get_mut(..self.end), self.buf.get(..self.end)) {
                to.copy_from_slice(from);
            }
            self.buf = larger;
        }
        let room = self.buf.get_mut(self.end..).unwrap_or_default();
        match self.inner.read(room).await {
            Ok(0) => Err(ReadError::Eof),
            Ok(got) => {
                self.end += got;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(ReadError::Eof),
            Err(error) => Err(ReadError::Io(error)),
        }
    }

    /// The next frame as a `T`.
    pub(super) async fn read<T: DeserializeOwned>(&mut self) -> Result<T, ReadError> {
        self.next(frame::decode).await?.map_err(ReadError::Frame)
    }
}

/// One frame for [`write_batches`], and what is released once it is written.
pub(super) struct Outgoing<P> {
    pub(super) frame: Zeroizing<Vec<u8>>,
    pub(super) _held: P,
}

/// Writes frames until all senders are gone. Whatever is queued leaves in one write.
pub(super) async fn write_batches<W: AsyncWrite + Unpin, P>(
    mut inner: W,
    mut queue: mpsc::Receiver<Outgoing<P>>,
) -> io::Result<()> {
    let mut batch = WipedBuf::with_capacity(READ);
    let mut held = Vec::new();
    while let Some(first) = queue.recv().await {
        batch.extend(&first.frame);
        held.push(first);
        while batch.len() < BATCH {
            let Ok(next) = queue.try_recv() else { break };
            batch.extend(&next.frame);
            held.push(next);
        }
        inner.write_all(batch.as_slice()).await?;
        batch.truncate(0);
        held.clear();
    }
    inner.shutdown().await
}
