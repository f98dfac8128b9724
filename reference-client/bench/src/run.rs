//! The phases, one after the other.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_server::pem;

use crate::arguments::{Arguments, Phase};
use crate::connect::{Http, Target};
use crate::load::{self, Measured, Probe, Shape};
use crate::papers::Press;
use crate::report::{Loaded, Overloaded, Report};
use crate::server::{Server, Used, pin};
use crate::stage::{Agent, CONTEXT, Stage};
use crate::{Failure, chart, fill, floor, progress};

/// How long the bare signatures are measured, before and after.
const FLOOR: Duration = Duration::from_secs(3);
/// The cheap request beside the load.
const CHEAP: &str = "/healthz";
/// How often it is sent.
const CHEAP_A_SECOND: u32 = 100;
/// Payments a second that no machine like this one reaches: as many bodies are made as that takes.
const FASTEST: f64 = 1.3;

/// Measures what was asked for.
pub(crate) fn all(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let stage = Stage::set(arguments.dir.as_deref(), arguments.store.as_deref())?;
    fill::fill(&stage, arguments.mandates, arguments.fill.unwrap_or(0))?;
    if arguments.fill.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let report = Bench::new(arguments, &stage)?.run()?;
    report.tell();
    if let Some(path) = &arguments.svg {
        std::fs::write(path, chart::svg(&report))?;
    }
    println!("{}", report.json());
    Ok(if report.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench<'a> {
    arguments: &'a Arguments,
    stage: &'a Stage,
    agents: Vec<Agent>,
    shop: crate::stage::Shop,
    server: Server,
    target: Target,
    register: Register,
    report: Report,
}

impl<'a> Bench<'a> {
    fn new(arguments: &'a Arguments, stage: &'a Stage) -> Result<Self, Failure> {
        let mut trust = TrustAnchors::new(&AwsLc);
        for root in pem::certificates(&stage.path("roots.pem"))? {
            trust.add(&root, &[Role::Issuer], &[]).map_err(|fault| fault.to_string())?;
        }
        let mut register = Register::new(trust);
        register.keep(pem::certificates(&stage.path("issuer.pem"))?);
        progress("the floor: signatures alone", false);
        let floor = floor::measure(FLOOR)?;
        let server = Server::start(stage)?;
        let target = Target::new(server.addr, &stage.path("roots.pem"))?;
        let mut report = Report::new(floor, stage.bytes());
        report.start_seconds = server.started_in.as_secs_f64();
        report.memory_kib.push(server.memory_kib());
        let (agents, shop) = (stage.agents()?, stage.shop()?);
        report.mandates = agents.len();
        Ok(Self { arguments, stage, agents, shop, server, target, register, report })
    }

    fn run(mut self) -> Result<Report, Failure> {
        let wants = |phase| self.arguments.wants(phase);
        let length = Duration::from_secs(self.arguments.seconds.max(1));
        let (short, warm) = (length / 2, length.min(Duration::from_secs(2)));
        let two = Shape {
            http: Http::Two,
            connections: self.arguments.connections.max(1),
            streams: self.arguments.streams.max(1),
            warm,
            length,
        };
        let all: Vec<usize> = (0..self.agents.len()).collect();
        if wants(Phase::Unloaded) {
            let one = Shape { connections: 1, streams: 1, length: short.min(Duration::from_secs(5)), ..two };
            let bodies = self.bodies(&all, 5_000.0, one)?;
            let measured = load::closed(&self.target, one, bodies, |_| {})?;
            self.report.unloaded = Some(self.checked(measured));
        }
        if wants(Phase::Closed) {
            let closed = self.loaded("HTTP/2", &all, two)?;
            self.report.floor = self.report.floor.mean(floor::measure(FLOOR)?);
            self.report.closed = Some(closed);
        }
        if wants(Phase::Http1) {
            let one =
                Shape { http: Http::One, connections: self.arguments.lines.max(1), streams: 1, length: short, warm };
            self.report.http1 = Some(self.loaded("HTTP/1.1", &all, one)?);
        }
        if wants(Phase::Hot) {
            self.report.hot = Some(self.loaded("one mandate", &all[..1], Shape { length: short, ..two })?);
        }
        let peak = self.report.closed.as_ref().map(|closed| closed.measured.rate());
        if wants(Phase::Open) {
            let rate = self.arguments.rate.or(peak.map(|peak| peak * 0.7)).unwrap_or(1_000.0).max(1.0);
            let shape = Shape { length: short, ..two };
            let bodies = self.bodies(&all, rate / FASTEST, shape)?;
            progress(&format!("open loop: {rate:.0} payments a second"), false);
            let measured = load::open(&self.target, shape, rate, bodies)?;
            self.report.open = Some((rate, self.checked(measured)));
        }
        if wants(Phase::Overload) {
            self.overload(&all, two)?;
        }
        self.report.memory_kib.push(self.server.memory_kib());
        self.report.bytes = self.stage.bytes();
        self.server.stop()?;
        Ok(self.report)
    }

    /// A closed loop with a cheap request beside it, and what the threads used meanwhile.
    fn loaded(&mut self, what: &str, agents: &[usize], shape: Shape) -> Result<Loaded, Failure> {
        let fastest = self.report.floor.payments_per_second;
        let bodies = self.bodies(agents, fastest, shape)?;
        progress(&format!("closed loop: {what}"), false);
        let (mut marks, own, server) = (Vec::new(), std::process::id(), &self.server);
        let mut probe = None;
        let measured = load::closed(&self.target, shape, bodies, |begins| {
            marks.push((Used::of(own), server.used()));
            if begins {
                probe = Some(Probe::start(&self.target, CHEAP, CHEAP_A_SECOND));
            }
        })?;
        let cheap = probe.ok_or("nothing was measured")?.stop()?;
        let (Some((own_before, before)), Some((own_after, after))) = (marks.first(), marks.last()) else {
            return Err("nothing was measured".into());
        };
        self.report.memory_kib.push(self.server.memory_kib());
        let (server, load) = (after.since(before), own_after.since(own_before).sum());
        let measured = self.checked(measured);
        let loaded = Loaded { measured, cheap, server, load };
        progress(&format!("{what}: {:.0} payments a second", loaded.measured.rate()), true);
        Ok(loaded)
    }

    /// Issuer and load on a core each: the peak, then four times as much.
    fn overload(&mut self, agents: &[usize], shape: Shape) -> Result<(), Failure> {
        pin(self.server.process(), 0)?;
        let shape = Shape { length: shape.length.min(Duration::from_secs(10)), ..shape };
        let bodies = self.bodies(agents, self.report.floor.payments_per_second / 2.0, shape)?;
        // Signing takes all cores; the load is one.
        pin(std::process::id(), 1)?;
        progress("one core each: the peak", false);
        let peak = load::closed(&self.target, shape, bodies, |_| {})?;
        let peak = self.checked(peak);
        let rate = 4.0 * peak.rate();
        progress(&format!("one core each: {rate:.0} payments a second"), false);
        let bodies = self.bodies(agents, rate / FASTEST, shape)?;
        let before = self.server.memory_kib();
        let over = load::open(&self.target, shape, rate, bodies)?;
        let over = self.checked(over);
        let after = self.server.memory_kib();
        self.report.overload = Some(Overloaded { peak, over, rate, before_kib: before, after_kib: after });
        Ok(())
    }

    fn bodies(&self, agents: &[usize], rate: f64, shape: Shape) -> Result<Vec<Bytes>, Failure> {
        let seconds = (shape.warm + shape.length).as_secs_f64();
        let count = (rate * FASTEST * seconds) as usize + 1_000;
        progress(&format!("signing {count} payments"), false);
        let agents: Vec<&Agent> = agents.iter().filter_map(|at| self.agents.get(*at)).collect();
        Press::new(&self.shop)?.bodies(&agents, count)
    }

    /// Looks whether the answers that were kept are signed receipts of payments.
    fn checked(&mut self, mut measured: Measured) -> Measured {
        for sample in measured.samples.drain(..) {
            let receipt = AnswerBody::read(&sample)
                .and_then(|body| verify_receipt(body.receipt, CONTEXT, &AwsLc, &self.register));
            match receipt {
                Ok(receipt) if receipt.claims.outcome == Outcome::Settled => self.report.verified += 1,
                Ok(_) | Err(_) => self.report.wrong += 1,
            }
        }
        measured
    }
}
