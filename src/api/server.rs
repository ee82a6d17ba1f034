//! The server: one address, all services, health and reflection, and a clean end.
//!
//! Listens on loopback only: until there are credentials it believes what callers say they are.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::model::limits;
use crate::runtime::{Handle, ReadError};

use super::admission::Admission;
use super::connection::{self, Connections};
use super::edge::Edge;
use super::pb;
use super::pb::admin_service_server::{AdminServiceServer, SERVICE_NAME as ADMIN};
use super::pb::calendar_service_server::{CalendarServiceServer, SERVICE_NAME as CALENDAR};
use super::pb::deliveries::event_service_server::{EventServiceServer, SERVICE_NAME as EVENT};
use super::pb::escalation_service_server::{EscalationServiceServer, SERVICE_NAME as ESCALATION};
use super::pb::instance_service_server::{InstanceServiceServer, SERVICE_NAME as INSTANCE};
use super::pb::ledger_service_server::{LedgerServiceServer, SERVICE_NAME as LEDGER};
use super::pb::organization_service_server::{
    OrganizationServiceServer, SERVICE_NAME as ORGANIZATION,
};
use super::pb::task_service_server::{SERVICE_NAME as TASK, TaskServiceServer};
use super::pb::workflow_service_server::{SERVICE_NAME as WORKFLOW, WorkflowServiceServer};
use super::questions::Questions;

/// The services whose health is told, `""` being the server as a whole.
const HEALTH_NAMES: [&str; 10] =
    ["", INSTANCE, TASK, ESCALATION, EVENT, WORKFLOW, CALENDAR, LEDGER, ORGANIZATION, ADMIN];
/// A connection on which nothing comes is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// And is closed if it does not answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that one connection may send before they are read.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// The same for one call of it: a request of the largest size.
const STREAM_WINDOW: u32 = 256 * 1024;
/// How long a server that stops waits for clients to take what they asked for.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How the server listens.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where. Loopback only; port 0 takes a free one. Default: `127.0.0.1:7070`.
    pub address: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 7070)) }
    }
}

/// Why the server does not serve.
#[derive(Debug)]
pub enum Error {
    /// The address is not on this machine alone.
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    Bind(SocketAddr, std::io::Error),
    /// The runtime does not answer.
    Runtime(ReadError),
    /// The reflection service cannot read its own descriptors: a defect of the build.
    Reflection(tonic_reflection::server::Error),
    /// The admission cannot read them: the same.
    Descriptors(prost::DecodeError),
    /// The connection handling failed.
    Transport(tonic::transport::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                out,
                "refusing to listen on {address}: there is no authentication yet, so the server \
                 serves this machine alone; choose 127.0.0.1 or ::1"
            ),
            Self::Bind(address, _) => write!(out, "listening on {address}"),
            Self::Runtime(_) => write!(out, "asking the runtime"),
            Self::Reflection(_) | Self::Descriptors(_) => {
                write!(out, "reading the descriptors of the services")
            }
            Self::Transport(_) => write!(out, "serving connections"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotLoopback(_) => None,
            Self::Bind(_, source) => Some(source),
            Self::Runtime(source) => Some(source),
            Self::Reflection(source) => Some(source),
            Self::Descriptors(source) => Some(source),
            Self::Transport(source) => Some(source),
        }
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    address: SocketAddr,
    connections: Connections,
}

/// Begins to listen.
pub async fn bind(options: &Options) -> Result<Bound, Error> {
    let wanted = options.address;
    if !wanted.ip().is_loopback() {
        return Err(Error::NotLoopback(wanted));
    }
    let listener = TcpListener::bind(wanted).await.map_err(|error| Error::Bind(wanted, error))?;
    let address = listener.local_addr().map_err(|error| Error::Bind(wanted, error))?;
    Ok(Bound { address, connections: Connections::new(listener) })
}

/// Listens and serves until `shutdown`, as [`bind`] and [`Bound::serve`].
pub async fn serve(
    options: &Options,
    handle: Handle,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    bind(options).await?.serve(handle, shutdown).await
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`; then takes nothing new, ends the streams, answers what was asked
    /// and returns. Clients that do not take their answers are not waited for longer than
    /// [`DRAIN_MAX`]. The runtime is shut down after that, by who started it.
    pub async fn serve(
        self,
        handle: Handle,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let info = handle.info().await.map_err(Error::Runtime)?;
        let (stop, stopping) = watch::channel(false);
        let (reporter, health) = health_reporter();
        let serving = info.clock_jump.is_none();
        tell_health(&reporter, serving).await;

        let routes = Routes::new(health);
        let routes = routes.add_service(descriptors().build_v1().map_err(Error::Reflection)?);
        // What grpcio's own client of reflection still asks for.
        let routes = routes.add_service(descriptors().build_v1alpha().map_err(Error::Reflection)?);
        let admission = Admission::new().map_err(Error::Descriptors)?;
        let mut drained = stopping.clone();
        let routes = add_services(routes, &Edge { handle, questions: Questions::new(), stopping });
        let stopped = async move {
            shutdown.await;
            tell_health(&reporter, false).await;
            // Without anybody listening there are no streams to end.
            let _ = stop.send(true);
        };
        let drain = async move {
            // An error: nothing is served any more.
            let _ = drained.wait_for(|stopping| *stopping).await;
            connection::pause(DRAIN_MAX).await;
        };
        let serving = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .max_concurrent_streams(limits::CONNECTION_STREAMS_MAX)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW)
            .layer(admission)
            .add_routes(routes)
            .serve_with_incoming_shutdown(self.connections, stopped);
        tokio::select! {
            served = serving => served.map_err(Error::Transport),
            () = drain => {
                tracing::warn!("some clients did not take their answers: they are cut off");
                Ok(())
            }
        }
    }
}

async fn tell_health(reporter: &HealthReporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in HEALTH_NAMES {
        reporter.set_service_status(name, status).await;
    }
}

fn descriptors() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn add_services(routes: Routes, edge: &Edge) -> Routes {
    const SMALL: usize = limits::MESSAGE_BYTES_MAX;
    const SOURCES: usize = limits::SOURCES_MESSAGE_BYTES_MAX;
    let edge = || edge.clone();
    routes
        .add_service(InstanceServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(TaskServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(EscalationServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(EventServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(WorkflowServiceServer::new(edge()).max_decoding_message_size(SOURCES))
        .add_service(CalendarServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(LedgerServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(OrganizationServiceServer::new(edge()).max_decoding_message_size(SMALL))
        .add_service(AdminServiceServer::new(edge()).max_decoding_message_size(SMALL))
}
