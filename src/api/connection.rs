//! Connections: how many there may be, how long one may keep silent before it says what it is, and
//! how it is closed so that the last words arrive.
//!
//! Knows bytes and time, nothing of what is said.

use std::future::Future;
use std::io::{ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::model::limits;

/// A connection that has not said that it speaks HTTP/2 by then is closed.
const GREETING_MAX: Duration = Duration::from_secs(20);
/// The bytes with which HTTP/2 begins, with the first frame's head.
const GREETING_BYTES: usize = 24 + 9;
/// How long a closed connection listens on for the client to close its side.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// Before accepting again, where the process has no more file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A pause of a connection.
#[expect(clippy::disallowed_methods, reason = "connections wait here, and nothing else does")]
pub(super) fn pause(duration: Duration) -> Sleep {
    tokio::time::sleep(duration)
}

/// The connections of a listener. One too many is closed at once.
#[derive(Debug)]
pub(super) struct Connections {
    listener: TcpListener,
    places: Arc<Semaphore>,
    paused: Option<Pin<Box<Sleep>>>,
}

impl Connections {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(limits::CONNECTIONS_MAX)), paused: None }
    }
}

impl Stream for Connections {
    type Item = Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(paused) = &mut self.paused {
                ready!(paused.as_mut().poll(cx));
                self.paused = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, _)) => {
                    if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                        return Poll::Ready(Some(Connection::new(stream, place)));
                    }
                    tracing::debug!("a connection too many was closed");
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.paused = Some(Box::pin(pause(ACCEPT_RETRY)));
                }
            }
        }
    }
}

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    /// Until the greeting has come: how many bytes of it, and until when it is waited for.
    greeting: Option<(usize, Pin<Box<Sleep>>)>,
    /// Once the last word was sent.
    lingering: Option<Pin<Box<Sleep>>>,
    /// Whether what is written now has waited for more.
    gathered: bool,
    /// Whether all of it has left: what comes in a later turn waits anew.
    flushed: bool,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Result<Self> {
        stream.set_nodelay(true)?;
        let greeting = Some((0, Box::pin(pause(GREETING_MAX))));
        Ok(Self {
            stream,
            greeting,
            lingering: None,
            gathered: false,
            flushed: false,
            _place: place,
        })
    }
}

impl Connection {
    /// Lets everything run once that is ready to: its answers go into the same write.
    fn poll_gather(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.gathered {
            (self.gathered, self.flushed) = (true, false);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        // Each turn begins with reading. Within one, HTTP/2 flushes once per large frame: those
        // that are ready leave together.
        if read.is_pending() && self.flushed {
            (self.gathered, self.flushed) = (false, false);
        }
        let Some((bytes, until)) = &mut self.greeting else { return read };
        *bytes += buffer.filled().len() - before;
        if *bytes >= GREETING_BYTES {
            self.greeting = None;
        } else if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_gather(cx));
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_gather(cx));
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.flushed = true;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Says that nothing more comes, and reads on for a moment. A socket that is closed while
    /// unread bytes are in it takes back what the client has not read yet: the end of its streams.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.lingering = Some(Box::pin(pause(LINGER_MAX)));
        }
        let mut unread = [0; 4096];
        loop {
            let mut unread = ReadBuf::new(&mut unread);
            match Pin::new(&mut self.stream).poll_read(cx, &mut unread) {
                Poll::Ready(Ok(())) if !unread.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        let until = self.lingering.as_mut().expect("it was set above");
        until.as_mut().poll(cx).map(Ok)
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}
