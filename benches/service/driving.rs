//! The load over `InstanceService.Drive`: one stream per connection, pipelined. Each message holds
//! as many commands as answers came with the last one, so the number under way stays the same.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use sanbang::api::pb;
use sanbang::api::pb::drive_answer::Outcome;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::Channel;

use crate::client::Load;

/// The service that opens the streams: each command is for the member who holds the task.
const PORTAL: &str = "portal";

impl Load {
    /// Keeps so many completions under way on one stream; how long each took.
    pub(crate) async fn stream(
        self: Arc<Self>,
        channel: Channel,
        window: usize,
    ) -> Result<Vec<u64>> {
        let (sender, commands) = mpsc::channel(window);
        let mut request = Request::new(ReceiverStream::new(commands));
        request.metadata_mut().insert("sanbang-actor", PORTAL.parse()?);
        let mut begun = vec![Instant::now(); window];
        let mut free: Vec<usize> = (0..window).collect();
        sender.send(self.message(&mut free, &mut begun)).await?;
        let mut client = InstanceServiceClient::new(channel);
        let mut answers = client.drive(request).await?.into_inner();
        let mut took = Vec::new();
        while free.len() < window
            && let Some(message) = answers.message().await?
        {
            for answer in message.answers {
                let slot = usize::try_from(answer.correlation)?;
                match answer.outcome {
                    Some(Outcome::Accepted(_)) => took.extend(self.answered(begun[slot])?),
                    Some(Outcome::Failure(it)) => self.refused(it.code.into(), &it.message),
                    None => self.refused(tonic::Code::Unknown, "an answer without an outcome"),
                }
                free.push(slot);
            }
            let message = self.message(&mut free, &mut begun);
            if !message.commands.is_empty() {
                sender.send(message).await?;
            }
        }
        Ok(took)
    }

    /// A command for every slot that is free, as long as there are any.
    fn message(
        &self,
        free: &mut Vec<usize>,
        begun: &mut [Instant],
    ) -> pb::InstanceServiceDriveRequest {
        let mut commands = Vec::with_capacity(free.len());
        while let Some(slot) = free.last().copied()
            && let Some((instance, step)) = self.next()
        {
            free.pop();
            begun[slot] = Instant::now();
            let call = &self.calls[instance as usize % self.calls.len()][step];
            commands.push(call.command(slot as u64, instance, step));
        }
        pb::InstanceServiceDriveRequest { commands }
    }
}
