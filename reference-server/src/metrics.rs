//! Counters, as Prometheus text at `/metrics`.
//!
//! No label names a person, an agent, a merchant or an address.

use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use purser_protocol::code::Code;

/// The process's counters as text. The first call, which starting a server makes, begins the counting.
pub fn render() -> String {
    let handle = handle();
    handle.run_upkeep();
    handle.render()
}

pub(crate) fn install() {
    handle();
}

/// One answer, by the route's pattern and the first digit of its status.
pub(crate) fn answered(route: &str, status: u16) {
    let class = match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    counter!("purser_http_requests_total", "route" => route.to_owned(), "class" => class).increment(1);
}

/// One refusal, by its code.
pub(crate) fn refused(code: Code) {
    counter!("purser_denied_total", "slug" => code.slug()).increment(1);
}

/// One connection that was dropped, for want of a seat or of TLS.
pub(crate) fn dropped(why: &'static str) {
    counter!("purser_http_connections_dropped_total", "why" => why).increment(1);
}

/// Something that is counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(&'static str);

impl Counted {
    pub(crate) fn request() -> Self {
        Self::new("purser_http_in_flight")
    }

    pub(crate) fn connection() -> Self {
        Self::new("purser_http_connections")
    }

    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1);
        Self(name)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1);
    }
}

fn handle() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder was there first; /metrics stays empty");
        }
        describe_counter!("purser_http_requests_total", "Answers, by route and class of status.");
        describe_counter!("purser_denied_total", "Refusals, by slug of the code.");
        describe_counter!("purser_http_connections_dropped_total", "Connections dropped unserved.");
        describe_gauge!("purser_http_in_flight", "Requests under way.");
        describe_gauge!("purser_http_connections", "Connections open.");
        handle
    })
}
