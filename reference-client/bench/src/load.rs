//! Load: closed loop, open loop, and a cheap request now and then beside them.
//!
//! In the open loop a request counts from the moment at which it should have been sent, so that a server which stops
//! for a second is seen to stop for everybody who would have come in that second.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;

use crate::Failure;
use crate::connect::{Answer, Http, Line, Target};

/// The longest time that is told apart.
const LONGEST_US: u64 = 60_000_000;
/// Answers that are kept, to be verified afterwards.
const SAMPLES: usize = 256;
/// Requests of the open loop that may be under way.
const UNDER_WAY_MAX: usize = 20_000;

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Payments that were answered with a signed yes, in the time that counts.
    pub(crate) paid: u64,
    /// Answers of other statuses.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// Requests that got no answer, or were not sent because too many were under way.
    pub(crate) failed: u64,
    /// The time that counts.
    pub(crate) seconds: f64,
    /// From when it was, or should have been, sent, to the last byte of a yes, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// The same of a no.
    pub(crate) refusals: Histogram<u64>,
    /// Some of the answers.
    pub(crate) samples: Vec<Bytes>,
}

impl Measured {
    fn new() -> Result<Self, Failure> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3);
        Ok(Self {
            paid: 0,
            refused: BTreeMap::new(),
            failed: 0,
            seconds: 0.0,
            latency: histogram()?,
            refusals: histogram()?,
            samples: Vec::new(),
        })
    }

    /// Payments a second.
    pub(crate) fn rate(&self) -> f64 {
        self.paid as f64 / self.seconds.max(1e-9)
    }

    fn take(&mut self, answer: &Result<Answer, Failure>, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(1, LONGEST_US);
        match answer {
            Ok(answer) if answer.status == 200 => {
                self.paid += 1;
                self.latency.saturating_record(us);
                if self.samples.len() < SAMPLES && self.paid % 61 == 1 {
                    self.samples.push(answer.body.clone());
                }
            }
            Ok(answer) => {
                *self.refused.entry(answer.status).or_default() += 1;
                self.refusals.saturating_record(us);
            }
            Err(_) => self.failed += 1,
        }
    }
}

/// How the load stands to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) http: Http,
    pub(crate) connections: usize,
    /// Requests at once on a connection of HTTP/2.
    pub(crate) streams: usize,
    /// What does not count yet.
    pub(crate) warm: Duration,
    /// What counts.
    pub(crate) length: Duration,
}

/// When it begins to count, and when it ends.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

impl Window {
    fn of(shape: &Shape) -> Self {
        let from = Instant::now() + shape.warm;
        Self { from, until: from + shape.length }
    }

    fn holds(&self, at: Instant) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// Sends as much as comes back, until the time is over or the bodies are. `at_start` and `at_end` are called where the
/// time that counts begins and ends.
pub(crate) fn closed(
    target: &Target,
    shape: Shape,
    bodies: Vec<Bytes>,
    mut mark: impl FnMut(bool) + Send,
) -> Result<Measured, Failure> {
    runtime()?.block_on(async {
        let lines = lines(target, &shape).await?;
        let window = Window::of(&shape);
        let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
        let measured = Arc::new(Mutex::new(Measured::new()?));
        let last = Arc::new(Mutex::new(window.from));
        let workers: Vec<_> = lines
            .into_iter()
            .map(|mut line| {
                let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
                let (measured, last) = (Arc::clone(&measured), Arc::clone(&last));
                tokio::spawn(async move {
                    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)).cloned() {
                        let sent = Instant::now();
                        if sent >= window.until {
                            break;
                        }
                        let answer = line.pay(body).await;
                        let now = Instant::now();
                        if window.holds(now) {
                            lock(&measured).take(&answer, now - sent);
                            *lock(&last) = now;
                        }
                        if answer.is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep_until(window.from.into()).await;
        mark(true);
        let ended = async {
            for worker in workers {
                let _ = worker.await;
            }
        };
        tokio::pin!(ended);
        let is_over = tokio::time::timeout_at(window.until.into(), &mut ended).await.is_ok();
        mark(false);
        if !is_over {
            ended.await;
        }
        let mut measured = lock(&measured).clone();
        // Where the bodies were used up before the time was, it ended then.
        let end = if next.load(Ordering::Relaxed) >= bodies.len() { *lock(&last) } else { window.until };
        measured.seconds = end.saturating_duration_since(window.from).as_secs_f64();
        Ok(measured)
    })
}

/// Sends so many a second, whatever comes back.
pub(crate) fn open(target: &Target, shape: Shape, rate: f64, bodies: Vec<Bytes>) -> Result<Measured, Failure> {
    runtime()?.block_on(async {
        let shape = Shape { streams: 1, ..shape };
        let lines = lines(target, &shape).await?;
        let began = Instant::now();
        let window = Window::of(&shape);
        let measured = Arc::new(Mutex::new(Measured::new()?));
        let under_way = Arc::new(AtomicUsize::new(0));
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let mut next = 0_usize;
        while next < bodies.len() && Instant::now() < window.until {
            ticks.tick().await;
            // As many as should have been sent by now.
            let due = (began.elapsed().as_secs_f64() * rate) as usize;
            while let Some(body) = bodies.get(next).filter(|_| next < due).cloned() {
                let intended = began + Duration::from_secs_f64(next as f64 / rate);
                let line = lines.get(next % lines.len()).and_then(Line::another);
                next += 1;
                let (measured, under_way) = (Arc::clone(&measured), Arc::clone(&under_way));
                let Some(mut line) = line.filter(|_| under_way.load(Ordering::Relaxed) < UNDER_WAY_MAX) else {
                    if window.holds(intended) {
                        lock(&measured).failed += 1;
                    }
                    continue;
                };
                under_way.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let answer = line.pay(body).await;
                    if window.holds(intended) {
                        lock(&measured).take(&answer, intended.elapsed());
                    }
                    under_way.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }
        let ended = async {
            while under_way.load(Ordering::Relaxed) > 0 {
                ticks.tick().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(20), ended).await;
        let mut measured = lock(&measured).clone();
        measured.failed += under_way.load(Ordering::Relaxed) as u64;
        measured.seconds = shape.length.as_secs_f64();
        Ok(measured)
    })
}

/// A cheap read so many times a second, on a connection and a thread of its own, until it is told to stop.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Result<Measured, Failure>>,
}

impl Probe {
    pub(crate) fn start(target: &Target, path: &'static str, a_second: u32) -> Self {
        let (target, stop) = (target.clone(), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&stop);
        let read = move || {
            runtime()?.block_on(async {
                let mut line = target.open(Http::Two).await?;
                let mut measured = Measured::new()?;
                let mut ticks = tokio::time::interval(Duration::from_secs(1) / a_second);
                while !told.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    let sent = Instant::now();
                    let answer = line.get(path).await;
                    measured.take(&answer, sent.elapsed());
                }
                Ok(measured)
            })
        };
        Self { stop, thread: thread::spawn(read) }
    }

    pub(crate) fn stop(self) -> Result<Measured, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the thread of the cheap request died")?
    }
}

/// The connections, with a handle for each request that may be under way on one.
async fn lines(target: &Target, shape: &Shape) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for _ in 0..shape.connections {
        let line = target.open(shape.http).await?;
        let more = (1..shape.streams).filter_map(|_| line.another()).collect::<Vec<_>>();
        lines.push(line);
        lines.extend(more);
    }
    Ok(lines)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
