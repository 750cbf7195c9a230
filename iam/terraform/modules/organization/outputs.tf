output "role_arn" {
  description = "For organization.role_arn of config.yaml."
  value       = aws_iam_role.organization.arn
}
