"""The commands, with what can be set of each."""

from repope_eval.settings import command_settings, config

COMMANDS = {
    "run": config.RunSettings,
    "score": config.ScoreSettings,
    "report": config.ReportSettings,
    "status": command_settings.StatusSettings,
    "data": command_settings.DataSettings,
    "slurm": config.SlurmSettings,
    "models": config.ModelsSettings,
    "doctor": config.DoctorSettings,
    "fetch": command_settings.FetchSettings,
    "questions": command_settings.QuestionsSettings,
    "build": command_settings.BuildSettings,
    "annotate": command_settings.AnnotateSettings,
    "relabel": command_settings.RelabelSettings,
    "audit": command_settings.AuditSettings,
    "estimate": command_settings.EstimateSettings,
    "plan": command_settings.PlanSettings,
    "compare": command_settings.CompareSettings,
    "export": command_settings.ExportSettings,
}
"""The commands, each a module of `repope_eval.commands`, with their settings."""
