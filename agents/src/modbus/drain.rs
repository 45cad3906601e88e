//! A stream that forgets what it received before something is sent.
//!
//! RTU frames have no transaction number. An answer that came too late would be taken for the
//! answer to the next request, and that one's for the one after, without any error and for ever.
//! What is in the line when a request begins cannot be its answer: so it is thrown away.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest frame, in bytes. Source: MODBUS over Serial Line V1.02, section 2.5.1.
const FRAME_BYTES_MAX: usize = 256;

/// So many frames are thrown away before the line is said not to fall silent.
const FRAMES_MAX: usize = 16;

/// The stream had ended before the request was sent: nobody will answer it.
#[derive(Debug)]
pub(super) struct EndedBefore;

impl fmt::Display for EndedBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection had ended before")
    }
}

impl std::error::Error for EndedBefore {}

/// The stream.
#[derive(Debug)]
pub(super) struct Drained<T>(T);

impl<T> Drained<T> {
    /// Wraps a stream.
    pub(super) fn new(stream: T) -> Self {
        Self(stream)
    }
}

impl<T: AsyncRead + Unpin> Drained<T> {
    /// Throws away what has arrived.
    ///
    /// # Errors
    /// Returns [`EndedBefore`] at the end of the stream or when it cannot be read, and
    /// [`io::ErrorKind::InvalidData`] when there is no end of bytes.
    fn forget(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let ended = || io::Error::new(io::ErrorKind::BrokenPipe, EndedBefore);
        for _ in 0..FRAMES_MAX {
            let mut space = [0; FRAME_BYTES_MAX];
            let mut space = ReadBuf::new(&mut space);
            match Pin::new(&mut self.0).poll_read(cx, &mut space) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(_)) => return Err(ended()),
                Poll::Ready(Ok(())) if space.filled().is_empty() => return Err(ended()),
                Poll::Ready(Ok(())) => {
                    let bytes = space.filled().len();
                    tracing::debug!("{bytes} bytes came that nobody waits for");
                }
            }
        }
        let text = "the line does not fall silent";
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Drained<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, space)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Drained<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A request is written in one piece or, rarely, in several: nobody answers half of one.
        self.forget(cx)?;
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_came_before_a_request_is_not_its_answer() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut near = Drained::new(near);
        for round in 0..3_u8 {
            far.write_all(&[0xEE; 300]).await.unwrap();
            near.write_all(&[round]).await.unwrap();
            assert_eq!(far.read_u8().await.unwrap(), round);
            far.write_all(&[round, 7]).await.unwrap();
            let mut answer = [0; 2];
            near.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [round, 7]);
        }
        drop(far);
        let broken = near.write_all(&[0]).await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_line_that_never_falls_silent_is_an_error() {
        struct Babble;
        impl AsyncRead for Babble {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                space: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                space.put_slice(b"x");
                Poll::Ready(Ok(()))
            }
        }
        impl AsyncWrite for Babble {
            fn poll_write(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                _: &[u8],
            ) -> Poll<io::Result<usize>> {
                panic!("a request was sent into the noise")
            }
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
        let error = Drained::new(Babble).write_all(&[1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
