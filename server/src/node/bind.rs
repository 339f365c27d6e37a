//! Which HTTP ports to open.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::alarms::{Alarms, SystemAlarm};
use crate::config::HttpConfig;

const HTTP_DEFAULT: ([u8; 4], u16) = ([0, 0, 0, 0], 8080);
const HTTPS_PORT_DEFAULT: u16 = 8443;

/// The ports that were opened.
pub(super) struct Bound {
    pub(super) http: TcpListener,
    pub(super) https: Option<TcpListener>,
}

/// Opens the ports. HTTPS is beside HTTP on port 8443 (or any, where HTTP has any) unless it
/// is configured; when nobody asked for it, its port in use by another is no reason to fail.
pub(super) async fn bind(config: Option<&HttpConfig>, alarms: &Alarms) -> anyhow::Result<Bound> {
    let configured = config.and_then(|config| config.bind);
    let http = configured.unwrap_or_else(|| SocketAddr::from(HTTP_DEFAULT));
    let bound = open(http).await?;
    let https = match config.and_then(|config| config.https_bind) {
        Some(https) => Some(open(https).await?),
        None => {
            let port = if http.port() == 0 {
                0
            } else {
                HTTPS_PORT_DEFAULT
            };
            match TcpListener::bind(SocketAddr::new(http.ip(), port)).await {
                Ok(https) => Some(https),
                Err(error) => {
                    alarms.raise(SystemAlarm {
                        code: "https_port",
                        text: format!("HTTPS is off: port {port} cannot be opened ({error})."),
                        advice: "Set http.https_bind to a free port and start again. The HTTP \
                                 port speaks HTTPS too."
                            .into(),
                    });
                    None
                }
            }
        }
    };
    Ok(Bound { http: bound, https })
}

async fn open(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        let port = address.port();
        format!(
            "HTTP cannot listen on {address}; if port {port} is in use, stop what uses it or \
             choose another in the configuration"
        )
    })
}
