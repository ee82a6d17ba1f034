//! The echo: the same unary call as the service, answered at once with bytes that never change.
//! What it costs is the price of gRPC on this machine, and nothing else.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use prost::Message as _;
use sanbang::api::pb;
use sanbang::api::pb::task_service_server::{TaskService, TaskServiceServer};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::process::LISTENING;

/// Answers every completion alike.
struct Echo {
    answer: pb::TaskServiceCompleteResponse,
}

/// Listens on a free port until it is killed. `answer` is the message in hexadecimal.
pub(crate) fn run(answer: &str) -> Result<()> {
    let answer = pb::TaskServiceCompleteResponse::decode(&*bytes(answer)?)?;
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(async {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(free).await?;
        eprintln!("{LISTENING}{}", listener.local_addr()?);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let service = TaskServiceServer::new(Echo { answer });
        Ok(Server::builder().add_service(service).serve_with_incoming(incoming).await?)
    })
}

/// A message as an argument of the echo.
pub(crate) fn hexadecimal(answer: &pb::TaskServiceCompleteResponse) -> String {
    answer.encode_to_vec().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let pair = |at: usize| Ok(u8::from_str_radix(&text[at..at + 2], 16)?);
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Every other call is answered with `UNIMPLEMENTED`.
macro_rules! unimplemented_calls {
    ($($call:ident: $request:ident => $response:ident,)*) => {
        #[tonic::async_trait]
        impl TaskService for Echo {
            async fn complete(
                &self,
                _: Request<pb::TaskServiceCompleteRequest>,
            ) -> Result<Response<pb::TaskServiceCompleteResponse>, Status> {
                Ok(Response::new(self.answer.clone()))
            }
            $(async fn $call(
                &self,
                _: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                Err(Status::unimplemented("the echo completes tasks only"))
            })*
        }
    };
}

unimplemented_calls! {
    list: TaskServiceListRequest => TaskServiceListResponse,
    get: TaskServiceGetRequest => TaskServiceGetResponse,
    claim: TaskServiceClaimRequest => TaskServiceClaimResponse,
    release: TaskServiceReleaseRequest => TaskServiceReleaseResponse,
    redo: TaskServiceRedoRequest => TaskServiceRedoResponse,
    check: TaskServiceCheckRequest => TaskServiceCheckResponse,
    comment: TaskServiceCommentRequest => TaskServiceCommentResponse,
    delegate: TaskServiceDelegateRequest => TaskServiceDelegateResponse,
    object: TaskServiceObjectRequest => TaskServiceObjectResponse,
    decide_objection: TaskServiceDecideObjectionRequest => TaskServiceDecideObjectionResponse,
    request_supplement:
        TaskServiceRequestSupplementRequest => TaskServiceRequestSupplementResponse,
    supply: TaskServiceSupplyRequest => TaskServiceSupplyResponse,
    request_extension: TaskServiceRequestExtensionRequest => TaskServiceRequestExtensionResponse,
    decide_extension: TaskServiceDecideExtensionRequest => TaskServiceDecideExtensionResponse,
}
