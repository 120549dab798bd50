//! The CRM's side of TCP: connections that are refused, broken, or lose the response. It knows no HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::Mode;

/// Listens on a free port, or again on its previous one.
pub(super) fn listen(address: Option<SocketAddr>) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let listener = socket.listen(1024)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A listener that is closed while the CRM is down.
pub(super) struct ControlledListener {
    listener: Option<TcpListener>,
    address: SocketAddr,
    mode: watch::Receiver<Mode>,
}

impl ControlledListener {
    pub(super) fn new(listener: TcpListener, address: SocketAddr, mode: watch::Receiver<Mode>) -> Self {
        Self { listener: Some(listener), address, mode }
    }
}

impl Listener for ControlledListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            if *self.mode.borrow_and_update() == Mode::Down {
                self.listener = None;
                if self.mode.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            }
            let Some(listener) = &self.listener else {
                match listen(Some(self.address)) {
                    Ok((listener, _)) => self.listener = Some(listener),
                    // The system may need a moment to release the port.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
                continue;
            };
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, peer)) = accepted {
                        return (Connection { stream, mode: self.mode.clone() }, peer);
                    }
                }
                _ = self.mode.changed() => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that breaks when the mode says so.
pub(super) struct Connection {
    stream: TcpStream,
    mode: watch::Receiver<Mode>,
}

fn broken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if matches!(*self.mode.borrow(), Mode::Down | Mode::Reset) {
            return broken();
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if matches!(*self.mode.borrow(), Mode::Down | Mode::Reset | Mode::AnswerLost) {
            return broken();
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
