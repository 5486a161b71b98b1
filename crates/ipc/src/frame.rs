//! Frames: a length of four octets, big-endian, then one JSON value. Pure; the sockets are elsewhere.
//!
//! The length is checked before anything is allocated, trailing octets are an error, and every buffer that may
//! hold a secret is wiped. An error never quotes the JSON, because the JSON may hold a code.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::{Zeroize, Zeroizing};

/// Octets of the length in front of each frame.
pub const HEADER: usize = 4;

/// Longest JSON of a frame, in octets.
pub const MAX_FRAME: usize = 64 * 1024;

/// Why octets are no frame, or a message cannot become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The sender announced a frame without content.
    #[error("a frame of length 0")]
    Empty,
    /// The sender announced, or is about to send, more than [`MAX_FRAME`].
    #[error("a frame of more than {MAX_FRAME} octets")]
    TooLong,
    /// The content is no JSON text.
    #[error("the frame is not JSON (octet {column})")]
    Syntax {
        /// Where the parser stopped.
        column: usize,
    },
    /// The JSON is no message of this role.
    #[error("the frame is no message of this socket (octet {column})")]
    Unknown {
        /// Where the parser stopped; 0 where it does not know.
        column: usize,
    },
    /// A message of our own that JSON cannot express.
    #[error("the message cannot be written as JSON")]
    Encode,
}

/// A buffer that is wiped when it is dropped, truncated or moved to a larger allocation.
#[derive(Default)]
pub(crate) struct WipedBuf(Vec<u8>);

impl WipedBuf {
    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self(Vec::with_capacity(octets))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends without ever leaving a copy behind in a freed allocation.
    pub(crate) fn extend(&mut self, octets: &[u8]) {
        let needed = self.0.len().saturating_add(octets.len());
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }

    /// Wipes and forgets what is behind `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(tail) = self.0.get_mut(len..) {
            tail.zeroize();
        }
        self.0.truncate(len);
    }
}

impl Drop for WipedBuf {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Octets that came from a socket and are cut into frames: one read may bring several. Wiped when dropped or grown.
pub(crate) struct Inbox {
    /// All of it is initialised; `start..end` is unread.
    buf: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self {
            buf: Zeroizing::new(vec![0; octets]),
            start: 0,
            end: 0,
        }
    }

    fn unread(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Octets of the next frame, header included, or of the header where that has not come yet.
    fn wanted(&self) -> Result<usize, FrameError> {
        self.unread()
            .first_chunk::<HEADER>()
            .map_or(Ok(HEADER), |header| {
                Ok(HEADER.saturating_add(decode_header(*header)?))
            })
    }

    /// What `decode` makes of the JSON of the next frame, if all of that is here; it is wiped afterwards.
    pub(crate) fn next<T>(&mut self, decode: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, FrameError> {
        let wanted = self.wanted()?;
        if wanted == HEADER || self.unread().len() < wanted {
            return Ok(None);
        }
        let until = self.start.saturating_add(wanted);
        let json = self
            .buf
            .get_mut(self.start.saturating_add(HEADER)..until)
            .unwrap_or_default();
        let message = decode(json);
        json.zeroize();
        self.start = until;
        Ok(Some(message))
    }

    /// Where the next octets go: never empty, and with room for the rest of the frame that is on its way.
    pub(crate) fn room(&mut self) -> Result<&mut [u8], FrameError> {
        let wanted = self.wanted()?;
        let unread = self.end.saturating_sub(self.start);
        if self.buf.len().saturating_sub(self.start) < wanted || self.end == self.buf.len() {
            self.buf.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, unread);
        }
        if self.buf.len() < wanted {
            // A new allocation instead of a growing one: the old one is wiped when it is replaced.
            let mut larger = Zeroizing::new(vec![0; wanted]);
            if let (Some(to), Some(from)) = (larger.get_mut(..unread), self.buf.get(..unread)) {
                to.copy_from_slice(from);
            }
            self.buf = larger;
        }
        Ok(self.buf.get_mut(self.end..).unwrap_or_default())
    }

    /// Takes note of `octets` that were put into [`Self::room`].
    pub(crate) fn took(&mut self, octets: usize) {
        self.end = self.end.saturating_add(octets).min(self.buf.len());
    }
}

/// Writes JSON behind what the buffer holds and stops at [`MAX_FRAME`].
struct FrameWriter<'a> {
    buf: &'a mut WipedBuf,
    end: usize,
    overrun: bool,
}

impl io::Write for FrameWriter<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.buf.len().saturating_add(octets.len()) > self.end {
            self.overrun = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.buf.extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends the frame of `message` to `buf`; on an error `buf` is as before.
pub(crate) fn encode_into<T: Serialize>(buf: &mut WipedBuf, message: &T) -> Result<(), FrameError> {
    let start = buf.len();
    buf.extend(&[0; HEADER]);
    let body = buf.len();
    let mut writer = FrameWriter {
        end: body.saturating_add(MAX_FRAME),
        buf,
        overrun: false,
    };
    let written = serde_json::to_writer(&mut writer, message);
    let overrun = writer.overrun;
    let result = match written {
        Err(_) if overrun => Err(FrameError::TooLong),
        Err(_) => Err(FrameError::Encode),
        Ok(()) => u32::try_from(buf.len() - body).map_err(|_| FrameError::TooLong),
    };
    match result {
        Ok(length) => {
            if let Some(header) = buf.0.get_mut(start..body) {
                header.copy_from_slice(&length.to_be_bytes());
            }
            Ok(())
        }
        Err(error) => {
            buf.truncate(start);
            Err(error)
        }
    }
}

/// The frame of `message`: length and JSON.
///
/// # Errors
/// [`FrameError::TooLong`] for more than [`MAX_FRAME`] octets of JSON, [`FrameError::Encode`] for a value that
/// JSON cannot express.
pub fn encode<T: Serialize>(message: &T) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let mut buf = WipedBuf::with_capacity(512);
    encode_into(&mut buf, message)?;
    Ok(Zeroizing::new(std::mem::take(&mut buf.0)))
}

/// How many octets of JSON follow `header`: 1..=[`MAX_FRAME`].
///
/// # Errors
/// [`FrameError::Empty`] and [`FrameError::TooLong`]; the connection is of no use afterwards.
pub fn decode_header(header: [u8; HEADER]) -> Result<usize, FrameError> {
    match usize::try_from(u32::from_be_bytes(header)) {
        Ok(0) => Err(FrameError::Empty),
        Ok(length) if length <= MAX_FRAME => Ok(length),
        _ => Err(FrameError::TooLong),
    }
}

/// Reads the JSON of one frame, all of it.
///
/// # Errors
/// [`FrameError::Syntax`] for what is no JSON or more than one value, [`FrameError::Unknown`] for JSON that is
/// not a `T`.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, FrameError> {
    if json.is_empty() {
        return Err(FrameError::Empty);
    }
    // The parser's own message quotes values, so only the place is kept.
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Data => FrameError::Unknown {
            column: error.column(),
        },
        Category::Io | Category::Syntax | Category::Eof => FrameError::Syntax {
            column: error.column(),
        },
    })
}

#[cfg(test)]
mod tests;
