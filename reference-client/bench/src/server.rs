//! The issuer as a process of its own, and what it costs: time of its threads, memory.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stage::Stage;
use crate::{Failure, SERVER};

/// The issuer. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// From its start until it listened.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts it on the stage's store, and waits until it listens.
    pub(crate) fn start(stage: &Stage) -> Result<Self, Failure> {
        let log = stage.path("issuer.log");
        let errors = OpenOptions::new().create(true).append(true).open(&log)?;
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args([SERVER, "issuer", "--config"])
            .arg(stage.config_path())
            // A free port each time: that of the configuration is only what the issuer is known by.
            .env("PURSER_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("the issuer has no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let ready: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        let addr = ready.as_ref().and_then(|ready| ready["addr"].as_str()).and_then(|addr| addr.parse().ok());
        match addr {
            Some(addr) => Ok(Self { child, addr, started_in: began.elapsed() }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let said = fs::read_to_string(&log).unwrap_or_default();
                Err(format!("the issuer did not start: {}", said.lines().last().unwrap_or_default()).into())
            }
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What its threads have used so far.
    pub(crate) fn used(&self) -> Used {
        Used::of(self.process())
    }

    /// What it holds in memory now.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        resident.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
    }

    /// Lets it finish what is under way, and end.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.process().to_string()]).status()?;
        match self.child.wait()?.success() {
            true => Ok(()),
            false => Err("the issuer ended badly".into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of a processor, by the name of the thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used(pub(crate) BTreeMap<String, f64>);

impl Used {
    /// What the threads of a process have used. One that is gone by then is not counted.
    pub(crate) fn of(process: u32) -> Self {
        let mut used = BTreeMap::new();
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default().trim().to_owned();
            let ran = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let nanos: f64 = ran.split(' ').next().and_then(|ran| ran.parse().ok()).unwrap_or_default();
            *used.entry(name).or_default() += nanos / 1e9;
        }
        Self(used)
    }

    /// What was used since.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let before = |name: &String| before.0.get(name).copied().unwrap_or_default();
        Self(self.0.iter().map(|(name, used)| (name.clone(), (used - before(name)).max(0.0))).collect())
    }

    pub(crate) fn sum(&self) -> f64 {
        self.0.values().sum()
    }
}

/// Keeps a process, with all its threads, on one core.
pub(crate) fn pin(process: u32, core: usize) -> Result<(), Failure> {
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", &core.to_string(), &process.to_string()])
        .stdout(Stdio::null())
        .status()?;
    if pinned.success() { Ok(()) } else { Err("taskset did not pin the process".into()) }
}
