//! A keep-alive HTTP/1.1 connection that costs the load generator next to nothing.
//!
//! It knows only what the gateway sends to such a client: a status line, `Content-Length` or
//! chunks, no compression.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    line: String,
    out: Vec<u8>,
}

impl Connection {
    /// Connects to `http://host:port`.
    ///
    /// # Errors
    /// Returns the socket's error.
    pub async fn open(url: &str) -> Result<Self> {
        let host = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
            line: String::new(),
            out: Vec::new(),
        })
    }

    /// Sends a request with a JSON body and returns status and body of the answer.
    ///
    /// # Errors
    /// Returns the socket's error, or `InvalidData` when the answer is not HTTP/1.1.
    pub async fn post(&mut self, path: &str, token: &str, body: &str) -> Result<(u16, Vec<u8>)> {
        self.send("POST", path, token, &[], body).await
    }

    /// Asks for something and returns status and body of the answer.
    ///
    /// # Errors
    /// Returns the socket's error, or `InvalidData` when the answer is not HTTP/1.1.
    pub async fn get(&mut self, path: &str, token: &str) -> Result<(u16, Vec<u8>)> {
        self.send("GET", path, token, &[], "").await
    }

    /// Sends a request with more headers; an empty body is none. Returns status and body of the
    /// answer.
    ///
    /// # Errors
    /// Returns the socket's error, or `InvalidData` when the answer is not HTTP/1.1.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, Vec<u8>)> {
        self.out.clear();
        self.out.extend_from_slice(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n",
                self.host
            )
            .as_bytes(),
        );
        for (name, value) in headers {
            self.out
                .extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            self.out.extend_from_slice(
                format!(
                    "Content-Type: application/json\r\nContent-Length: {}\r\n",
                    body.len()
                )
                .as_bytes(),
            );
        }
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body.as_bytes());
        self.stream.get_mut().write_all(&self.out).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        self.next_line().await?;
        let status = self
            .line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| bad("no status"))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            self.next_line().await?;
            let Some((name, value)) = self.line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| bad("no length"))?;
            }
            chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                self.next_line().await?;
                let size =
                    usize::from_str_radix(self.line.trim(), 16).map_err(|_| bad("no size"))?;
                self.take(&mut body, size).await?;
                self.next_line().await?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.take(&mut body, length).await?;
        }
        Ok((status, body))
    }

    async fn next_line(&mut self) -> Result<()> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    async fn take(&mut self, body: &mut Vec<u8>, size: usize) -> Result<()> {
        let from = body.len();
        body.resize(from + size, 0);
        self.stream.read_exact(&mut body[from..]).await?;
        Ok(())
    }
}

fn bad(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
