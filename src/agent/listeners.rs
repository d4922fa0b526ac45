//! The sockets, each with its task; a reload opens what is new, closes what is gone, and leaves the rest alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::shared::Shared;
use crate::http;
use crate::server::{Listen, Transport, explain, tcp, udp};

/// Where to listen.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// SNMP.
    pub snmp: Vec<Listen>,
    /// HTTP, if any.
    pub http: Option<String>,
}

impl Addresses {
    fn names(&self) -> Vec<String> {
        let snmp = self.snmp.iter().map(ToString::to_string);
        snmp.chain(self.http.iter().map(|address| format!("http:{address}"))).collect()
    }
}

/// A socket that is open and not yet served.
pub enum Bound {
    /// SNMP over UDP.
    Udp(String, udp::Socket),
    /// SNMP over TCP.
    Tcp(String, tcp::Socket),
    /// HTTP.
    Http(String, TcpListener),
}

/// The sockets that are served.
#[derive(Default)]
pub struct Listeners {
    /// What ends each, by its name.
    served: BTreeMap<String, watch::Sender<bool>>,
    /// The connections of all that take connections.
    places: Arc<tcp::Places>,
}

impl Listeners {
    /// Opens what is not yet served.
    ///
    /// # Errors
    /// The address that can't be had, and why; nothing stays open.
    pub async fn bind(&self, wanted: &Addresses) -> Result<Vec<Bound>> {
        let mut bound = Vec::new();
        for listen in &wanted.snmp {
            let name = listen.to_string();
            if !self.served.contains_key(&name) {
                bound.push(match listen.transport {
                    Transport::Udp => Bound::Udp(name, udp::bind(listen).context("snmp.listen")?),
                    Transport::Tcp => Bound::Tcp(name, tcp::bind(listen).context("snmp.listen")?),
                });
            }
        }
        if let Some(address) = &wanted.http {
            let name = format!("http:{address}");
            if !self.served.contains_key(&name) {
                let listener = http::bind(address).await.map_err(|error| match address.parse() {
                    Ok(address) => explain(&Listen { transport: Transport::Tcp, address }, &error),
                    Err(_) => error,
                });
                bound.push(Bound::Http(name, listener.context("http.listen")?));
            }
        }
        Ok(bound)
    }

    /// Serves what was opened, and closes what is no longer wanted.
    pub fn serve(&mut self, bound: Vec<Bound>, wanted: &Addresses, shared: &Arc<Shared>) {
        let names = wanted.names();
        self.served.retain(|name, end| {
            let kept = names.contains(name);
            if !kept {
                end.send_replace(true);
            }
            kept
        });
        for bound in bound {
            let (end, mut ended) = watch::channel(false);
            let shutdown = async move {
                let _ = ended.wait_for(|ended| *ended).await;
            };
            let name = match bound {
                Bound::Udp(name, socket) => {
                    tokio::spawn(report(name.clone(), udp::serve(socket, shared.clone(), shutdown)));
                    name
                }
                Bound::Tcp(name, socket) => {
                    let places = self.places.clone();
                    tokio::spawn(report(name.clone(), tcp::serve(socket, shared.clone(), places, shutdown)));
                    name
                }
                Bound::Http(name, listener) => {
                    tokio::spawn(report(name.clone(), http::serve(listener, shared.clone(), shutdown)));
                    name
                }
            };
            self.served.insert(name, end);
        }
    }

    /// Closes everything.
    pub fn close(&mut self) {
        for end in self.served.values() {
            end.send_replace(true);
        }
    }
}

async fn report(name: String, serving: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = serving.await {
        tracing::error!(listener = name, %error, "a listener failed");
    }
}
