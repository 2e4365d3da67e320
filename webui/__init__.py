"""What both web faces share: templates, live socket, language, charts and the look."""
