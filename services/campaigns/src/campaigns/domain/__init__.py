"""What campaigns decide, purely: templates, broadcasts, messages, recipients, and mail wording."""
