//! The connection as the SMTP client sees it: bounded, with nothing but lines that can be answers, and with a greeting where TLS began
//! after the server's own. The client itself reads a line to its end, however long, and waits for more where it cannot read one.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// More than any server has to say about one mail, in octets and in lines.
const BUDGET: usize = 64 * 1024;
const LINES: usize = 512;
/// Twice what RFC 5321 section 4.5.3.1.5 allows.
const LINE: usize = 1024;

/// A connection that ends with an error when the server says too much, or what is no answer.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    inner: S,
    peer: SocketAddr,
    first: &'static [u8],
    left: usize,
    lines: usize,
    /// Octets of the present line so far.
    column: usize,
    /// Said what is no answer: nothing further is read, not even a farewell.
    broken: bool,
}

impl<S> Bounded<S> {
    /// `first` is read before anything the server says.
    pub(super) fn new(inner: S, peer: SocketAddr, first: &'static [u8]) -> Self {
        Self {
            inner,
            peer,
            first,
            left: BUDGET,
            lines: LINES,
            column: 0,
            broken: false,
        }
    }

    /// Checks what was read: each line is three digits, then its end, or a blank or a hyphen and text.
    fn check(&mut self, read: &[u8]) -> io::Result<()> {
        let too_much = || io::Error::from(io::ErrorKind::FileTooLarge);
        self.left = self.left.checked_sub(read.len()).ok_or_else(too_much)?;
        for octet in read {
            let fits = match self.column {
                0..=2 => octet.is_ascii_digit(),
                3 => matches!(octet, b' ' | b'-' | b'\r' | b'\n'),
                4..LINE => true,
                _ => return Err(too_much()),
            };
            if !fits {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.column += 1;
            if *octet == b'\n' {
                self.column = 0;
                self.lines = self.lines.checked_sub(1).ok_or_else(too_much)?;
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            let (now, later) = this.first.split_at(this.first.len().min(buf.remaining()));
            buf.put_slice(now);
            this.first = later;
            return Poll::Ready(Ok(()));
        }
        if this.broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        match polled {
            Poll::Ready(Ok(())) => {
                let checked = this.check(buf.filled().get(before..).unwrap_or_default());
                this.broken = checked.is_err();
                Poll::Ready(checked)
            }
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
