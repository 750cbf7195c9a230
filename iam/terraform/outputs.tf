output "role_arn" {
  description = "For the service account's annotation eks.amazonaws.com/role-arn, and for the member roles to trust."
  value       = aws_iam_role.base.arn
}

output "exporter_role_arn" {
  description = "The same for an exporter in pods of its own; null where there is none."
  value       = one(aws_iam_role.exporter[*].arn)
}
