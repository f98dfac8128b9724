//! A picture: where the time went, and how long payments took, by percentile.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use crate::report::Report;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 70.0;
const COLOURS: [&str; 8] = ["#1b5e8c", "#5b9bd5", "#8c6d1b", "#d5b45b", "#5b8c1b", "#8c1b5e", "#777777", "#d9d9d9"];

/// The figures as SVG.
pub(crate) fn svg(report: &Report) -> String {
    let mut svg = String::new();
    // A string cannot be written to in vain.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} 560\" font-family=\"sans-serif\" \
         font-size=\"13\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    let mut lines = Vec::new();
    if let Some(closed) = &report.closed {
        text(&mut svg, LEFT, 30.0, 17, &format!("{:.0} payments a second", closed.measured.rate()));
        let floor = report.floor.payments_per_second;
        let ratio = report.floor_ratio().unwrap_or_default();
        text(&mut svg, LEFT, 50.0, 13, &format!("{ratio:.2} of the {floor:.0} that the signatures alone would allow"));
        shares(&mut svg, report, closed);
        lines.push(("HTTP/2, closed loop", &closed.measured.latency));
    }
    lines.extend(report.unloaded.iter().map(|unloaded| ("unloaded", &unloaded.latency)));
    lines.extend(report.http1.iter().map(|http1| ("HTTP/1.1, closed loop", &http1.measured.latency)));
    lines.extend(report.hot.iter().map(|hot| ("one mandate", &hot.measured.latency)));
    lines.extend(report.open.iter().map(|(_, open)| ("open loop", &open.latency)));
    percentiles(&mut svg, &lines);
    svg.push_str("</svg>\n");
    svg
}

fn shares(svg: &mut String, report: &Report, closed: &crate::report::Loaded) {
    let mut x = LEFT;
    for (at, share) in report.breakdown(closed).iter().enumerate() {
        let (width, colour) = (share.part * (WIDTH - 2.0 * LEFT), COLOURS[at % COLOURS.len()]);
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"65\" width=\"{width:.1}\" height=\"26\" fill=\"{colour}\"><title>{}</title></rect>",
            share.name
        );
        x += width;
        let (column, row) = (at % 3, at / 3);
        let (key_x, key_y) = (LEFT + column as f64 * 250.0, 112.0 + row as f64 * 20.0);
        let _ =
            write!(svg, "<rect x=\"{key_x}\" y=\"{}\" width=\"11\" height=\"11\" fill=\"{colour}\"/>", key_y - 10.0);
        text(svg, key_x + 17.0, key_y, 13, &format!("{} {:.1} %", share.name, share.part * 100.0));
    }
}

/// Milliseconds upwards by powers of ten, percentiles rightwards by nines.
fn percentiles(svg: &mut String, lines: &[(&str, &Histogram<u64>)]) {
    let (top, bottom, right) = (200.0, 500.0, WIDTH - LEFT);
    let x = |nines: f64| LEFT + nines / 4.0 * (right - LEFT);
    let y = |ms: f64| bottom - (ms.log10() + 1.0).clamp(0.0, 4.0) / 4.0 * (bottom - top);
    for (ms, name) in [(0.1, "0.1 ms"), (1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"), (1_000.0, "1 s")] {
        let _ = write!(svg, "<path d=\"M{LEFT} {0:.1}H{right}\" stroke=\"#cccccc\"/>", y(ms));
        text(svg, 8.0, y(ms) + 4.0, 13, name);
    }
    for (nines, name) in [(0.301, "p50"), (1.0, "p90"), (2.0, "p99"), (3.0, "p99.9"), (4.0, "p99.99")] {
        let _ = write!(svg, "<path d=\"M{0:.1} {top}V{bottom}\" stroke=\"#eeeeee\"/>", x(nines));
        text(svg, x(nines) - 14.0, bottom + 18.0, 13, name);
    }
    for (at, (name, latency)) in lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let points = (0..=80).map(|step| {
            let nines = f64::from(step) / 20.0;
            let ms = latency.value_at_quantile(1.0 - 10_f64.powf(-nines)) as f64 / 1e3;
            format!("{:.1},{:.1}", x(nines), y(ms.max(0.1)))
        });
        let points = points.collect::<Vec<_>>().join(" ");
        let _ = write!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        let key_x = LEFT + at as f64 * 150.0;
        let _ = write!(svg, "<rect x=\"{key_x}\" y=\"533\" width=\"11\" height=\"11\" fill=\"{colour}\"/>");
        text(svg, key_x + 16.0, 543.0, 13, name);
    }
}

fn text(svg: &mut String, x: f64, y: f64, size: u32, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\">{text}</text>");
}
