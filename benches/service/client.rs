//! The load: a process that completes tasks as a plan says, so many at a time, and tells what it
//! saw. The same code against the service and against the echo. Knows nothing of servers but their
//! addresses.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use sanbang::api::pb;
use sanbang::api::pb::drive_command::Command;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use serde::{Deserialize, Serialize};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::measure::percentile;
use crate::plan::{Plan, Step};
use crate::process::Usage;

/// The client tells this when what it sends is measured from now on.
pub(crate) const BEGIN: &str = "begin";
/// And this when it is no longer.
pub(crate) const END: &str = "end";

/// What a client is to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Orders {
    /// The server's address.
    #[arg(long)]
    pub(crate) url: String,
    /// The plan.
    #[arg(long)]
    pub(crate) plan: PathBuf,
    /// Of which chance the order of instances is.
    #[arg(long)]
    pub(crate) seed: u64,
    /// Completions that are under way at any time.
    #[arg(long)]
    pub(crate) in_flight: usize,
    /// Connections over which they are spread.
    #[arg(long)]
    pub(crate) connections: usize,
    /// Completions that were sent by earlier clients.
    #[arg(long, default_value_t = 0)]
    pub(crate) skip: usize,
    /// Completions before it is measured.
    #[arg(long)]
    pub(crate) warm_up: u64,
    /// So long it is measured, unless the plan ends first.
    #[arg(long)]
    pub(crate) seconds: f64,
    /// Send them over `InstanceService.Drive`, a stream for each connection.
    #[arg(long)]
    pub(crate) drive: bool,
}

/// What a client saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Completions that were answered while it was measured.
    pub(crate) answered: u64,
    /// Answers that were none: of all, and the first one in words.
    pub(crate) refused: u64,
    pub(crate) refusal: Option<String>,
    /// Completions taken from the plan.
    pub(crate) taken: usize,
    /// So long it was measured.
    pub(crate) seconds: f64,
    /// Half of the answers, and so on, came within this.
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) longest_ns: u64,
    /// Processor time of the client while it was measured.
    pub(crate) cpu_us: u64,
}

impl Seen {
    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        crate::measure::figure(self.answered) / self.seconds
    }
}

/// What all lanes share.
pub(crate) struct Load {
    pub(crate) calls: Vec<Vec<Call>>,
    order: Mutex<Order>,
    warm_up: u64,
    measured_for: Duration,
    answered: AtomicU64,
    begun: OnceLock<(Instant, u64)>,
    refusals: Mutex<(u64, Option<String>)>,
}

struct Order {
    rest: Box<dyn Iterator<Item = (u32, usize)> + Send>,
    taken: usize,
}

/// A completion, ready to be sent for any instance.
pub(crate) struct Call {
    member: String,
    actor: MetadataValue<Ascii>,
    request: pb::TaskServiceCompleteRequest,
}

/// Sends what the plan says, and reports on standard output.
pub(crate) fn run(orders: &Orders) -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seen = threads.block_on(complete_all(orders))?;
    tell(&serde_json::to_string(&seen)?)
}

/// Says a line to whoever started this client.
pub(crate) fn tell(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn complete_all(orders: &Orders) -> Result<Seen> {
    let plan = Plan::read(&orders.plan)?;
    let rest = plan.order(orders.seed).skip(orders.skip);
    let load = Arc::new(Load {
        calls: calls(&plan)?,
        order: Mutex::new(Order { rest: Box::new(rest), taken: 0 }),
        warm_up: orders.warm_up,
        measured_for: Duration::from_secs_f64(orders.seconds),
        answered: AtomicU64::new(0),
        begun: OnceLock::new(),
        refusals: Mutex::default(),
    });
    let mut channels = Vec::new();
    for _ in 0..orders.connections.min(orders.in_flight) {
        channels.push(connect(&orders.url).await?);
    }
    if orders.warm_up == 0 {
        load.begin()?;
    }
    let lanes: Vec<_> = if orders.drive {
        let window = orders.in_flight / channels.len();
        let streams = channels.into_iter();
        streams.map(|it| tokio::spawn(Arc::clone(&load).stream(it, window))).collect()
    } else {
        let lanes = (0..orders.in_flight).map(|lane| channels[lane % channels.len()].clone());
        lanes.map(|it| tokio::spawn(Arc::clone(&load).lane(it))).collect()
    };
    let mut took = Vec::new();
    for lane in lanes {
        took.append(&mut lane.await??);
    }
    let (begun, cpu_before) = *load.begun.get().context("the plan ended before it was measured")?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_us = Usage::of("self")?.cpu_us - cpu_before;
    tell(END)?;
    took.sort_unstable();
    let refusals = load.refusals.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Seen {
        answered: took.len() as u64,
        refused: refusals.0,
        refusal: refusals.1.clone(),
        taken: load.order.lock().unwrap_or_else(PoisonError::into_inner).taken,
        seconds,
        p50_ns: percentile(&took, 500),
        p99_ns: percentile(&took, 990),
        longest_ns: took.last().copied().unwrap_or(0),
        cpu_us,
    })
}

impl Load {
    /// One completion after the other, until the time or the plan is over; how long each took.
    async fn lane(self: Arc<Self>, channel: Channel) -> Result<Vec<u64>> {
        let mut client = TaskServiceClient::new(channel);
        let mut took = Vec::new();
        while let Some((instance, step)) = self.next() {
            let call = &self.calls[instance as usize % self.calls.len()][step];
            let begun = Instant::now();
            match client.complete(call.for_instance(instance, step)).await {
                Ok(_) => took.extend(self.answered(begun)?),
                Err(status) => self.refused(status.code(), status.message()),
            }
        }
        Ok(took)
    }

    /// How long an answered completion took, if it is one of those that are measured.
    pub(crate) fn answered(&self, begun: Instant) -> Result<Option<u64>> {
        if self.begun.get().is_some_and(|(since, _)| *since <= begun) {
            return Ok(Some(u64::try_from(begun.elapsed().as_nanos())?));
        }
        self.warmed_up()?;
        Ok(None)
    }

    pub(crate) fn next(&self) -> Option<(u32, usize)> {
        if self.begun.get().is_some_and(|(since, _)| since.elapsed() >= self.measured_for) {
            return None;
        }
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.taken += 1;
        order.rest.next()
    }

    fn warmed_up(&self) -> Result<()> {
        if self.answered.fetch_add(1, Ordering::Relaxed) + 1 == self.warm_up {
            self.begin()?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<()> {
        let cpu_us = Usage::of("self")?.cpu_us;
        let _ = self.begun.set((Instant::now(), cpu_us));
        tell(BEGIN)
    }

    pub(crate) fn refused(&self, code: Code, message: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.0 += 1;
        refusals.1.get_or_insert_with(|| format!("{code:?}: {message}"));
    }
}

impl Call {
    /// The call of one step of a plan.
    fn new(step: &Step) -> Result<Self> {
        let fields = step.form.iter().map(|(name, value)| (name.clone(), wire(value)));
        let form = Struct { fields: fields.collect() };
        let request = pb::TaskServiceCompleteRequest {
            task: step.task,
            outcome: step.outcome.clone(),
            form: (!step.form.is_empty()).then_some(form),
            ..pb::TaskServiceCompleteRequest::default()
        };
        Ok(Self { member: step.actor.clone(), actor: step.actor.parse()?, request })
    }

    /// As it is sent for an instance.
    pub(crate) fn for_instance(
        &self,
        instance: u32,
        step: usize,
    ) -> Request<pb::TaskServiceCompleteRequest> {
        let mut request = Request::new(self.message(instance, step));
        request.metadata_mut().insert("sanbang-actor", self.actor.clone());
        request
    }

    /// As a command of a stream.
    pub(crate) fn command(&self, correlation: u64, instance: u32, step: usize) -> pb::DriveCommand {
        pb::DriveCommand {
            correlation,
            on_behalf_of: self.member.clone(),
            command: Some(Command::Complete(self.message(instance, step))),
        }
    }

    /// The request's id is that of the step: sent again it would be known again.
    fn message(&self, instance: u32, step: usize) -> pb::TaskServiceCompleteRequest {
        pb::TaskServiceCompleteRequest {
            instance: Plan::instance(instance),
            request_id: format!("completion-{instance}-{step}"),
            ..self.request.clone()
        }
    }
}

/// The calls of every template of a plan.
pub(crate) fn calls(plan: &Plan) -> Result<Vec<Vec<Call>>> {
    let steps = plan.templates.iter();
    steps.map(|steps| steps.iter().map(Call::new).collect()).collect()
}

/// One connection.
pub(crate) async fn connect(url: &str) -> Result<Channel> {
    Ok(Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true).connect().await?)
}

fn wire(value: &serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Bool(yes) => Kind::BoolValue(*yes),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(0.0)),
        serde_json::Value::String(text) => Kind::StringValue(text.clone()),
        _ => Kind::NullValue(0),
    };
    Value { kind: Some(kind) }
}
