output "base" {
  description = "For the base role: it may assume exactly these roles, and read AWS Organizations if no other role does."
  value       = jsonencode(local.base)
}

output "member" {
  description = "For a member role: it may read the sources."
  value       = jsonencode(local.member)
}

output "organization" {
  description = "For the role that reads AWS Organizations: it may list accounts and OUs."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.read_organization })
}

output "trust" {
  description = "The trust policy of these two roles; null without a principal."
  value       = var.principal_arn == null ? null : jsonencode(local.trust)
}

output "exporter" {
  description = "For the exporter: it may read snapshots; null without storage in S3."
  value       = var.storage == null ? null : jsonencode(local.exporter)
}

output "storage" {
  description = "For the pipeline: it may write snapshots and tables; null without storage in S3."
  value       = var.storage == null ? null : jsonencode(local.storage)
}
