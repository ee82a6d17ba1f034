//! `AdminService`: decode, one call, encode.

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::{LAG_BOUNDS_MS, Piece, Progress, ReadError, Stats};

use super::edge::Edge;
use super::pb::admin_service_server::AdminService;
use super::violations::Violations;
use super::{pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AdminService for Edge {
    async fn info(
        &self,
        request: Request<pb::AdminServiceInfoRequest>,
    ) -> Answer<pb::AdminServiceInfoResponse> {
        self.reader(request.metadata())?;
        let info = self.handle.info().await.map_err(|error| status::read(&error))?;
        Ok(Response::new(pb::AdminServiceInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            incarnation: info.identity.incarnation,
            partitions: u32::from(info.identity.partitions),
            simulated_clock: info.identity.simulated_clock,
            now: Some(to_proto::instant(info.now)),
            accepts_commands: info.clock_jump.is_none() && !info.draining,
            next_due: to_proto::optional_instant(info.next_due),
            started_at: Some(to_proto::instant(info.started_at)),
            statistics: Some(statistics(&self.handle.stats())),
            warnings: info.warnings,
        }))
    }

    async fn advance_clock(
        &self,
        request: Request<pb::AdminServiceAdvanceClockRequest>,
    ) -> Answer<pb::AdminServiceAdvanceClockResponse> {
        self.commander(request.metadata())?;
        let mut found = Violations::default();
        let to = found.optional_instant("to", request.into_inner().to);
        if to.is_none() && found.is_empty() {
            found.add("to", "it is needed");
        }
        let to = found.finish(to.unwrap_or(Timestamp(0))).map_err(|told| status::invalid(&told))?;
        let now = self.handle.advance_clock(to).await;
        let now = now.map_err(|error| status::advance_clock(&error))?;
        let now = Some(to_proto::instant(now));
        Ok(Response::new(pb::AdminServiceAdvanceClockResponse { now }))
    }

    type BackupStream = ReceiverStream<Result<pb::AdminServiceBackupResponse, Status>>;

    async fn backup(
        &self,
        request: Request<pb::AdminServiceBackupRequest>,
    ) -> Answer<Self::BackupStream> {
        let actor = self.commander(request.metadata())?;
        let pieces = self.handle.backup(env!("CARGO_PKG_VERSION"));
        let pieces = pieces.map_err(|refusal| status::backup(&refusal))?;
        tracing::info!(%actor, "a backup is being taken");
        let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
        tokio::spawn(carry(pieces, queue, self.stopping.clone()));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Carries the pieces of a backup to the receiver until it leaves or the server stops.
async fn carry(
    mut pieces: mpsc::Receiver<Result<Piece, ReadError>>,
    queue: mpsc::Sender<Result<pb::AdminServiceBackupResponse, Status>>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let piece = tokio::select! {
            piece = pieces.recv() => piece,
            _ = stopping.wait_for(|stopping| *stopping) => Some(Err(ReadError::Draining)),
            () = queue.closed() => return,
        };
        let Some(piece) = piece else { return };
        let ended = piece.is_err();
        let message = piece.map(to_message).map_err(|error| status::read(&error));
        if queue.send(message).await.is_err() || ended {
            return;
        }
    }
}

fn to_message(piece: Piece) -> pb::AdminServiceBackupResponse {
    let told = |Progress { of, done, total }| pb::BackupProgress { of: of.to_owned(), done, total };
    let progress = piece.progress.map(told);
    pb::AdminServiceBackupResponse { content: piece.content, progress }
}

fn statistics(stats: &Stats) -> pb::Statistics {
    let bounds = LAG_BOUNDS_MS.iter().map(|bound| Some(to_proto::duration(*bound)));
    let buckets = bounds.chain([None]).zip(stats.lag);
    pb::Statistics {
        accepted: stats.accepted,
        refused: stats.refused,
        repeated: stats.repeated,
        overloaded: stats.overloaded,
        conflicts: stats.conflicts,
        commits: stats.commits,
        records: stats.records,
        commits_unavailable: stats.commits_unavailable,
        settled: stats.settled,
        lag: buckets.map(|(up_to, count)| pb::LagBucket { up_to, count }).collect(),
        settlings_failed: stats.settlings_failed,
        edits_taken: stats.edits_taken,
        edits_rejected: stats.edits_rejected,
        readers: stats.readers,
        waiting: stats.waiting,
        escalations_unheard: stats.escalations_unheard,
        escalations_exhausted: stats.escalations_exhausted,
        scripts_failed: stats.scripts_failed,
        effects_refused: stats.effects_refused,
    }
}
