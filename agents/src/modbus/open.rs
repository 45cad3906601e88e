//! Opening a way: allow-list, name resolution, TCP, TLS, serial port.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio_modbus::client::{Context, rtu, tcp};
use tokio_rustls::TlsConnector;
use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, SerialPort as _, SerialPortBuilderExt as _, StopBits,
};

use super::ReadError;
use super::drain::Drained;
use crate::allow::Allow;
use crate::config::{Address, Parity, Serial, Way};

/// Opens a way if the allow-list permits it.
pub(super) async fn open(way: &Way, allow: &Allow) -> Result<Context, ReadError> {
    match way {
        Way::Tcp(address) => Ok(tcp::attach(connect(address, allow).await?)),
        Way::RtuOverTcp(way) => {
            let stream = connect(&way.address, allow).await?;
            Ok(rtu::attach(Drained::new(stream)))
        }
        Way::Tls(way) => {
            let stream = connect(&way.address, allow).await?;
            let connector = TlsConnector::from(way.client.clone());
            let stream = connector.connect(way.server_name.clone(), stream).await;
            Ok(tcp::attach(stream.map_err(ReadError::Connect)?))
        }
        Way::Serial(way) => serial(way, allow),
    }
}

async fn connect(address: &Address, allow: &Allow) -> Result<TcpStream, ReadError> {
    let mut last = None;
    for address in permitted(address, allow).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(ReadError::Connect)?;
                return Ok(stream);
            }
            Err(error) => last = Some(ReadError::Connect(error)),
        }
    }
    Err(last.unwrap_or(ReadError::Forbidden))
}

async fn permitted(address: &Address, allow: &Allow) -> Result<Vec<SocketAddr>, ReadError> {
    let port = address.port;
    let all: Vec<SocketAddr> = match address.ip() {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => lookup_host((address.host.as_str(), port))
            .await
            .map_err(ReadError::Connect)?
            .collect(),
    };
    let permitted = all.into_iter().filter(|one| allow.permits(one.ip()));
    Ok(permitted.collect())
}

/// Opening does not wait: the port is opened without waiting for a carrier. It is ours alone, and
/// begins empty: what stands in its buffers belongs to a question of before.
fn serial(way: &Serial, allow: &Allow) -> Result<Context, ReadError> {
    if !allow.permits_port(&way.port) {
        return Err(ReadError::Forbidden);
    }
    let parity = match way.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let stop_bits = if way.stop_bits == 2 {
        StopBits::Two
    } else {
        StopBits::One
    };
    let no_port = |error: tokio_serial::Error| ReadError::Connect(io::Error::from(error));
    let port = tokio_serial::new(&way.port, way.baud)
        .data_bits(DataBits::Eight)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(FlowControl::None)
        .open_native_async()
        .map_err(no_port)?;
    port.clear(ClearBuffer::All).map_err(no_port)?;
    Ok(rtu::attach(Drained::new(port)))
}
