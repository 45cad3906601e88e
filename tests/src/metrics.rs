//! Reading the Prometheus text that the gateway serves.

/// The samples of one look.
#[derive(Debug)]
pub struct Metrics(Vec<Sample>);

#[derive(Debug)]
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

impl Metrics {
    /// Parses the text exposition; comments and what cannot be read are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                Some(Sample {
                    name: name.to_owned(),
                    labels: labels.trim_end_matches('}').to_owned(),
                    value: value.parse().ok()?,
                })
            });
        Self(samples.collect())
    }

    /// Adds up a metric over the series whose labels contain all of `labels`, such as
    /// `reason="shape"`; 0 when there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.0
            .iter()
            .filter(|sample| sample.name == name)
            .filter(|sample| labels.iter().all(|label| sample.labels.contains(label)))
            .map(|sample| sample.value)
            .fold(0.0, |sum, value| sum + value) // an empty `sum` would be -0
    }

    /// Returns the whole as text, for messages.
    #[must_use]
    pub fn describe(&self, containing: &str) -> String {
        let lines = self
            .0
            .iter()
            .filter(|sample| sample.name.contains(containing));
        lines
            .map(|s| format!("{}{{{}}} {}\n", s.name, s.labels, s.value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_add_up_by_label() {
        let text = "# HELP x y\nx_total{reason=\"a\"} 2\nx_total{reason=\"b\"} 3\ny 1.5\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.sum("x_total", &[]), 5.0);
        assert_eq!(metrics.sum("x_total", &["reason=\"a\""]), 2.0);
        assert_eq!(metrics.sum("y", &[]), 1.5);
        assert_eq!(metrics.sum("z", &[]), 0.0);
    }
}
