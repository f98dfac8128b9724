//! The figures: for people, and as one JSON object.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::floor::Floor;
use crate::load::Measured;
use crate::progress;
use crate::server::Used;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) floor: Floor,
    pub(crate) mandates: usize,
    /// The folder, when the run began and when it ended.
    pub(crate) bytes_before: u64,
    pub(crate) bytes: u64,
    pub(crate) start_seconds: f64,
    pub(crate) unloaded: Option<Measured>,
    pub(crate) closed: Option<Loaded>,
    pub(crate) http1: Option<Loaded>,
    pub(crate) hot: Option<Loaded>,
    pub(crate) open: Option<(f64, Measured)>,
    pub(crate) overload: Option<Overloaded>,
    /// What the issuer held in memory, from the start to the end.
    pub(crate) memory_kib: Vec<u64>,
    /// Receipts that were verified, and answers that were none.
    pub(crate) verified: u64,
    pub(crate) wrong: u64,
}

/// A closed loop, and what it took.
pub(crate) struct Loaded {
    pub(crate) measured: Measured,
    pub(crate) cheap: Measured,
    /// Seconds of a processor, by thread of the issuer.
    pub(crate) server: Used,
    /// The same of the load.
    pub(crate) load: f64,
}

/// Four times the peak.
pub(crate) struct Overloaded {
    pub(crate) peak: Measured,
    pub(crate) over: Measured,
    pub(crate) rate: f64,
    pub(crate) before_kib: u64,
    pub(crate) after_kib: u64,
}

/// A part of the time of all cores.
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) part: f64,
}

impl Report {
    pub(crate) fn new(floor: Floor, bytes: u64) -> Self {
        Self {
            floor,
            mandates: 0,
            bytes_before: bytes,
            bytes,
            start_seconds: 0.0,
            unloaded: None,
            closed: None,
            http1: None,
            hot: None,
            open: None,
            overload: None,
            memory_kib: Vec::new(),
            verified: 0,
            wrong: 0,
        }
    }

    /// How near the main phase came to the floor.
    pub(crate) fn floor_ratio(&self) -> Option<f64> {
        self.closed.as_ref().map(|closed| closed.measured.rate() / self.floor.payments_per_second)
    }

    /// Where the time of all cores went, of a loop: what the signatures need, and what else.
    pub(crate) fn breakdown(&self, loaded: &Loaded) -> Vec<Share> {
        let all = loaded.measured.seconds.max(1e-9) * self.floor.cores as f64;
        let curve = loaded.measured.paid as f64 / self.floor.payments_per_second * self.floor.cores as f64;
        let verify = loaded.server.0.get("verify").copied();
        let mut shares = vec![Share { name: "signatures".into(), part: curve / all }];
        // Where verifying has threads of its own, what they used beyond the curve is theirs.
        let mut named = |name: &str, seconds: f64| {
            if seconds / all > 0.000_5 {
                shares.push(Share { name: name.into(), part: seconds / all });
            }
        };
        match verify {
            Some(verify) => named("verify, beside the curve", (verify - curve).max(0.0)),
            None => named("issuer, beside the curve", (loaded.server.sum() - curve).max(0.0)),
        }
        for (name, seconds) in loaded.server.0.iter().filter(|(name, _)| verify.is_some() && *name != "verify") {
            named(&format!("issuer: {name}"), *seconds);
        }
        named("load", loaded.load);
        let known: f64 = shares.iter().map(|share| share.part).sum();
        shares.push(Share { name: "others, idle".into(), part: (1.0 - known).max(0.0) });
        shares
    }

    /// What a payment takes of a processor, in microseconds: by thread of the issuer, and of the load. Where other
    /// programs run beside, this says what the clock cannot.
    pub(crate) fn cpu_us(loaded: &Loaded) -> Vec<(&str, f64)> {
        let each = 1e6 / (loaded.measured.paid as f64).max(1.0);
        let threads = loaded.server.0.iter().map(|(name, seconds)| (name.as_str(), seconds * each));
        threads.filter(|(_, us)| *us >= 0.05).chain([("load", loaded.load * each)]).collect()
    }

    /// How near that comes to the floor: what the ratio would be, were nothing else to run and no core ever idle.
    pub(crate) fn cpu_ratio(&self, loaded: &Loaded) -> f64 {
        self.floor.cpu_us / Self::cpu_us(loaded).iter().map(|(_, us)| us).sum::<f64>().max(1e-9)
    }

    pub(crate) fn json(&self) -> Value {
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| drop(all.insert(name.into(), value));
        put("schema", json!("purser.bench/1"));
        if let Some(closed) = &self.closed {
            put("payments_per_second", json!(closed.measured.rate().round()));
            put("floor_ratio", json!(thousandth(self.floor_ratio().unwrap_or_default())));
            let shares = self.breakdown(closed);
            let shares = shares.iter().map(|share| (share.name.clone(), json!(thousandth(share.part))));
            put("breakdown", Value::Object(shares.collect()));
            put("cheap", latency(&closed.cheap.latency));
            let us = Self::cpu_us(closed);
            let sum: f64 = us.iter().map(|(_, us)| us).sum();
            let us = us.iter().map(|(name, us)| ((*name).to_owned(), json!(thousandth(*us))));
            put("cpu_us_a_payment", Value::Object(us.collect()));
            put("cpu_ratio", json!(thousandth(self.cpu_ratio(closed))));
            put("payments_per_second_of_cpu", json!((self.floor.cores as f64 * 1e6 / sum.max(1e-9)).round()));
        }
        put("floor", self.floor.json());
        put("mandates", json!(self.mandates));
        put("store_bytes", json!({ "before": self.bytes_before, "after": self.bytes }));
        put("start_seconds", json!(thousandth(self.start_seconds)));
        put("memory_kib", json!(self.memory_kib));
        put("receipts_verified", json!(self.verified));
        put("answers_wrong", json!(self.wrong));
        put("unloaded", self.unloaded.as_ref().map_or(Value::Null, measured));
        for (name, loaded) in [("closed", &self.closed), ("http1", &self.http1), ("hot", &self.hot)] {
            put(name, loaded.as_ref().map_or(Value::Null, |loaded| measured(&loaded.measured)));
        }
        let open = self.open.as_ref().map(|(rate, open)| with(measured(open), "offered_per_second", rate.round()));
        put("open", open.unwrap_or_default());
        put("overload", self.overload.as_ref().map_or(Value::Null, Overloaded::json));
        Value::Object(all)
    }

    /// The same for people.
    pub(crate) fn tell(&self) {
        let say = |line: String| progress(&line, true);
        let floor = &self.floor;
        say(format!(
            "floor: {:.0} payments a second on {} cores (verify {:.1} us, sign {:.1} us)",
            floor.payments_per_second, floor.cores, floor.verify_us, floor.sign_us
        ));
        say(format!("the issuer started in {:.2} s", self.start_seconds));
        if let Some(unloaded) = &self.unloaded {
            say(format!("unloaded: {}", described(unloaded)));
        }
        for (name, loaded) in [("HTTP/2", &self.closed), ("HTTP/1.1", &self.http1), ("one mandate", &self.hot)] {
            if let Some(loaded) = loaded {
                say(format!("{name}: {}", described(&loaded.measured)));
            }
        }
        if let Some((rate, open)) = &self.open {
            say(format!("open loop at {rate:.0} a second: {}", described(open)));
        }
        if let Some(overload) = &self.overload {
            say(format!(
                "four times the peak, a core each: {:.0} of {:.0} payments a second; refusals {}",
                overload.over.rate(),
                overload.peak.rate(),
                times(&overload.over.refusals)
            ));
        }
        if let Some(closed) = &self.closed {
            say(format!("a cheap request beside full load: {}", times(&closed.cheap.latency)));
            say(format!("{:.2} of the floor; both cores went to", self.floor_ratio().unwrap_or_default()));
            for share in self.breakdown(closed) {
                say(format!("  {:>5.1} %  {}", share.part * 100.0, share.name));
            }
            let us = Self::cpu_us(closed);
            let sum: f64 = us.iter().map(|(_, us)| us).sum();
            let each: Vec<String> = us.iter().map(|(name, us)| format!("{name} {us:.1}")).collect();
            say(format!(
                "a payment takes {sum:.0} us of a processor ({}); its signatures {:.0}: {:.2}",
                each.join(", "),
                floor.cpu_us,
                self.cpu_ratio(closed)
            ));
        }
        say(format!("{} receipts verified, {} answers wrong", self.verified, self.wrong));
    }
}

impl Overloaded {
    fn json(&self) -> Value {
        json!({
            "peak": measured(&self.peak),
            "over": with(measured(&self.over), "offered_per_second", self.rate.round()),
            "goodput": thousandth(self.over.rate() / self.peak.rate().max(1e-9)),
            "refusals": latency(&self.over.refusals),
            "memory_kib": { "before": self.before_kib, "after": self.after_kib },
        })
    }
}

fn described(measured: &Measured) -> String {
    let refused: u64 = measured.refused.values().sum();
    let odd = match (refused, measured.failed) {
        (0, 0) => String::new(),
        (refused, failed) => format!("; {refused} refused, {failed} failed"),
    };
    format!("{:.0} payments a second; {}{odd}", measured.rate(), times(&measured.latency))
}

fn times(latency: &Histogram<u64>) -> String {
    let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1e3;
    format!("p50 {:.2}, p99 {:.2}, p99.9 {:.2} ms", ms(0.5), ms(0.99), ms(0.999))
}

fn measured(measured: &Measured) -> Value {
    let refused: Map<String, Value> =
        measured.refused.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
    json!({
        "payments": measured.paid,
        "seconds": thousandth(measured.seconds),
        "payments_per_second": measured.rate().round(),
        "refused": refused,
        "failed": measured.failed,
        "latency": latency(&measured.latency),
    })
}

fn latency(latency: &Histogram<u64>) -> Value {
    let ms = |us: u64| json!(us as f64 / 1e3);
    let at = |quantile: f64| ms(latency.value_at_quantile(quantile));
    json!({
        "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": ms(latency.max()),
        "count": latency.len(),
    })
}

fn with(mut value: Value, name: &str, number: f64) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.into(), json!(number));
    }
    value
}

fn thousandth(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
